"""The use cases."""

from collections.abc import Sequence
from typing import Protocol

from tabserve.domain.use_case import UseCase


class Catalog(Protocol):
    """The use cases that exist."""

    def names(self) -> Sequence[str]:
        """Return all names, sorted."""
        ...

    def get(self, name: str) -> UseCase:
        """Return one definition; raise UnknownUseCaseError."""
        ...
