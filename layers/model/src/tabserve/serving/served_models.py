"""The models a process serves: the registry's champions, re-read now and then, or the bundled ones without it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.errors import ModelError, NoModelError, RetiredUseCaseError, UnavailableError
from tabserve.registry.store import BundledModels, Registry
from tabserve.registry.version import ModelCards
from tabserve.serving.ports import Served

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from tabserve.alerts.outbox import Outbox

REFUSED = "model_refused"
REFRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _State:
    served: Served
    checked: float
    refused: str | None = None


class ModelAlerts:
    """Says in the log and in an alert that a champion cannot be served, and when one can be again."""

    def __init__(self, outbox: "Callable[[], Outbox]", log: "Logger", clock: Clock) -> None:
        self._outbox = outbox
        self._log = log
        self._clock = clock

    def report(self, use_case: str, version: str, error: ModelError | None) -> None:
        """Report why a version is refused; without an error, that it is served."""
        state: AlertState = "firing" if error else "resolved"
        payload = {"use_case": use_case, "version": version, "error": str(error or "")}
        self._log.error("champion", extra={"state": state, **payload})
        id_ = alert_id(REFUSED, use_case, state, version)
        alert = Alert(id_, REFUSED, use_case, use_case, state, "high", payload, self._clock())
        try:
            self._outbox().add([alert])
        except UnavailableError:
            self._log.exception("alert not stored")  # the old version serves on; that must not fail for it


class ServedModels:
    """One loaded champion per use case; a champion that cannot be loaded leaves the one before it in place.

    Each comes with the definition it was trained on; versions of long ago carry none and take the catalog's.
    `report` is told why a version is refused, and, without an error, that one is served after another was refused.
    """

    def __init__(
        self,
        catalog: Catalog,
        registry: Callable[[], Registry] | None,
        bundled: BundledModels,
        report: Callable[[str, str, ModelError | None], None],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._registry = cache(registry) if registry else lambda: None
        self._bundled = bundled
        self._report = report
        self._seconds = seconds
        self._states: dict[str, _State] = {}
        self._older: dict[tuple[str, str], Served] = {}
        self._reading = Lock()

    def champion(self, name: str) -> Served:
        """Return the version to serve now, at most 30 s behind the registry.

        Raises UnknownUseCaseError, RetiredUseCaseError, NoModelError.
        """
        before = self._states.get(name)
        if served := self.serving(name):
            return served
        with self._reading:
            now = self._states.get(name)
            return now.served if now is not None and now is not before else self._reload(name)

    def serving(self, name: str) -> Served | None:
        """Return the version to serve now, None when it is time to read the registry and nobody does so yet."""
        state = self._states.get(name)
        if state is None:
            return None
        fresh = self._seconds() - state.checked < REFRESH_SECONDS
        return state.served if fresh or self._reading.locked() else None

    def reload(self, name: str) -> Served:
        """Read the registry now; serve its champion, or, when that is impossible, what was served before."""
        with self._reading:
            return self._reload(name)

    def judged_by(self, name: str, contract_sha256: str) -> Served:
        """Return what answers rows that were judged by a contract: the champion if it is its own.

        Else the newest version that was trained on it, and the champion where there is none.
        """
        champion = self.champion(name)
        registry = self._registry()
        if champion.use_case.contract_sha256 == contract_sha256 or registry is None:
            return champion
        key = (name, contract_sha256)
        if key not in self._older:
            older = registry.judged_by(name, contract_sha256)
            self._older[key] = self._load(registry, name, older.version) if older else champion
        return self._older[key]

    def cards(self, name: str) -> ModelCards:
        """Return what is known about all registered versions; without the registry, about the bundled one."""
        try:
            if registry := self._registry():
                return _cards(registry, name)
        except UnavailableError:
            pass
        bundled = self._bundled.metadata(name)
        return ModelCards([bundled], bundled, None)

    def _reload(self, name: str) -> Served:
        before = self._states.get(name)
        served = before.served if before else self._bundled_champion(name)
        refused = before.refused if before else None
        try:
            version = self._champion_version(name, served)
            if version and version != refused:
                served, refused = self._switched(name, version, served, refused)
        except UnavailableError:
            if served is None:
                raise
        if served is None:
            raise NoModelError(self._catalog.get(name).name)
        self._states[name] = _State(served, self._seconds(), refused)
        return served

    def _switched(
        self, name: str, version: str, served: Served | None, refused: str | None
    ) -> tuple[Served | None, str | None]:
        """Return the version and nothing refused, or what was served before and the version as refused."""
        registry = self._registry()
        try:
            if registry and (served is None or served.version != version):
                served = self._load(registry, name, version)
        except ModelError as error:
            self._report(name, version, error)
            return served, version
        if refused:
            self._report(name, version, None)
        return served, None

    def _load(self, registry: Registry, name: str, version: str) -> Served:
        use_case = registry.definition(name, version) or self._catalog.get(name)
        return Served(use_case, registry.load(use_case, version))

    def _champion_version(self, name: str, before: Served | None) -> str | None:
        registry = self._registry()
        if registry is None:
            return None
        try:
            standing = registry.standing(name)
        except ModelError as error:
            version = before.version if before else None
            self._report(name, version or "unknown", error)
            return version
        if standing.retired:
            self._states.pop(name, None)
            raise RetiredUseCaseError(name)
        return standing.version

    def _bundled_champion(self, name: str) -> Served | None:
        try:
            use_case = self._bundled.definition(name) or self._catalog.get(name)
            return Served(use_case, self._bundled.champion(use_case))
        except ModelError:
            return None


def _cards(registry: Registry, use_case: str) -> ModelCards:
    versions = [registry.metadata(use_case, version) for version in reversed(registry.versions(use_case))]
    by_name = {metadata.version: metadata for metadata in versions}
    aliases = registry.aliases(use_case)
    return ModelCards(versions, by_name.get(aliases.get("champion", "")), by_name.get(aliases.get("challenger", "")))
