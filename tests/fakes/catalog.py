"""Definitions in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from tabserve.core.errors import UnknownUseCaseError
from tabserve.core.use_case import UseCase


@dataclass(frozen=True)
class FakeCatalog:
    """Use cases in a list."""

    use_cases: Sequence[UseCase]

    def names(self) -> list[str]:
        return [use_case.name for use_case in self.use_cases]

    def retired(self) -> list[str]:
        return []

    def knows(self, name: str) -> bool:
        return name in self.names()

    def get(self, name: str) -> UseCase:
        found = next((use_case for use_case in self.use_cases if use_case.name == name), None)
        if found is None:
            raise UnknownUseCaseError(name, self.names())
        return found

    def judged_by(self, name: str, contract_sha256: str | None) -> UseCase:
        return self.get(name)
