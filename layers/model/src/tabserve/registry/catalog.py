"""The use cases of the project's folder and of the registry, where a definition travels with each version.

A champion's own definition goes before the folder's: a new use case, or a changed one, is live when its version is
promoted, without a deployment.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from tabserve.core.catalog import Catalog
from tabserve.core.errors import ModelError, RetiredUseCaseError, UnavailableError, UnknownUseCaseError
from tabserve.core.use_case import SLUG, UseCase
from tabserve.registry.standing import Standing
from tabserve.registry.store import Registry

REFRESH_SECONDS: Final = 10.0
NAME: Final = re.compile(SLUG)


@dataclass(frozen=True, slots=True)
class _Known:
    standing: Standing
    checked: float


@dataclass(frozen=True, slots=True)
class _Names:
    live: Sequence[str]
    retired: Sequence[str]


class RegistryCatalog:
    """Knows the registry as it was at most ten seconds ago; while it cannot be read, as it was. Implements Catalog."""

    def __init__(
        self, folder: Catalog, registry: Callable[[], Registry], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the folder's definitions and what connects to the registry, which is done when it is first needed."""
        self._folder = folder
        self._registry = cache(registry)
        self._seconds = seconds
        self._known: dict[str, _Known] = {}
        self._names: _Names | None = None
        self._listed = 0.0

    def names(self) -> Sequence[str]:
        """Return all names, sorted."""
        return self._listed_names().live

    def retired(self) -> Sequence[str]:
        """Return the names of the use cases that were retired, sorted."""
        return self._listed_names().retired

    def knows(self, name: str) -> bool:
        """Tell whether there is a definition of this name; of the folder's the registry is not asked."""
        return self._folder.knows(name) or name in self.names()

    def get(self, name: str) -> UseCase:
        """Return one definition.

        Raises UnknownUseCaseError, RetiredUseCaseError, IncompatibleModelError, and UnavailableError where only the
        registry could tell.
        """
        try:
            standing = self._standing(name)
            if standing.retired:
                raise RetiredUseCaseError(name)
            found = self._registry().definition(name, standing.version) if standing.version else None
        except (UnavailableError, ModelError):
            if name not in self._folder.names():
                raise
            return self._folder.get(name)
        return found or self._of_folder(name)

    def judged_by(self, name: str, contract_sha256: str | None) -> UseCase:
        """Return the definition whose contract begins so, the newest where several do; `get`'s where none does."""
        now = self.get(name)
        if contract_sha256 is None or now.contract_sha256.startswith(contract_sha256):
            return now
        older = self._registry().judged_by(name, contract_sha256)
        return self._registry().definition(name, older.version) or now if older else now

    def _standing(self, name: str) -> Standing:
        known = self._known.get(name)
        if known is not None and self._seconds() - known.checked < REFRESH_SECONDS:
            return known.standing
        if not NAME.fullmatch(name):
            return Standing()
        try:
            standing = self._registry().standing(name)
        except UnavailableError:
            if known is None:
                raise
            return known.standing
        if standing != Standing():  # what nobody knows is not remembered: any caller can make up names
            self._known[name] = _Known(standing, self._seconds())
        return standing

    def _listed_names(self) -> _Names:
        if self._names is None or self._seconds() - self._listed >= REFRESH_SECONDS:
            try:
                self._names = self._read_names()
            except UnavailableError:
                self._names = self._names or _Names(self._folder.names(), [])
            self._listed = self._seconds()
        return self._names

    def _read_names(self) -> _Names:
        registered = {name: self._readable_standing(name) for name in self._registry().use_cases()}
        live = {name for name, standing in registered.items() if standing.version and not standing.retired}
        retired = {name for name, standing in registered.items() if standing.retired}
        return _Names(sorted({*self._folder.names(), *live} - retired), sorted(retired))

    def _readable_standing(self, name: str) -> Standing:
        """Return the standing of a use case; one whose alias nobody can read hides no other."""
        try:
            return self._standing(name)
        except ModelError:
            return Standing()

    def _of_folder(self, name: str) -> UseCase:
        try:
            return self._folder.get(name)
        except UnknownUseCaseError as error:
            raise UnknownUseCaseError(name, self.names()) from error
