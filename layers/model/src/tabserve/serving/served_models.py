"""The models a process serves: the registry's champions, re-read now and then, or the bundled ones without it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.core.clock import Clock
from tabserve.core.errors import ModelError, NoModelError, UnavailableError
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import OnnxModel
from tabserve.registry.store import BundledModels, Registry
from tabserve.registry.version import ModelCards

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from tabserve.alerts.outbox import Outbox

REFUSED = "model_refused"
REFRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Served:
    model: OnnxModel
    checked: float
    refused: str | None = None


class ModelAlerts:
    """Says in the log and in an alert that a champion cannot be served, and when one can be again."""

    def __init__(self, outbox: "Callable[[], Outbox]", log: "Logger", clock: Clock) -> None:
        self._outbox = outbox
        self._log = log
        self._clock = clock

    def report(self, use_case: UseCase, version: str, error: ModelError | None) -> None:
        """Report why a version is refused; without an error, that it is served."""
        state: AlertState = "firing" if error else "resolved"
        payload = {"use_case": use_case.name, "version": version, "error": str(error or "")}
        self._log.error("champion", extra={"state": state, **payload})
        id_ = alert_id(REFUSED, use_case.name, state, version)
        alert = Alert(id_, REFUSED, use_case.name, use_case.name, state, "high", payload, self._clock())
        try:
            self._outbox().add([alert])
        except UnavailableError:
            self._log.exception("alert not stored")  # the old version serves on; that must not fail for it


class ServedModels:
    """One loaded champion per use case; a champion that cannot be loaded leaves the one before it in place.

    `report` is told why a version is refused, and, without an error, that one is served after another was refused.
    """

    def __init__(
        self,
        registry: Callable[[], Registry] | None,
        bundled: BundledModels,
        report: Callable[[UseCase, str, ModelError | None], None],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = cache(registry) if registry else lambda: None
        self._bundled = bundled
        self._report = report
        self._seconds = seconds
        self._served: dict[str, _Served] = {}
        self._reading = Lock()

    def champion(self, use_case: UseCase) -> OnnxModel:
        """Return the version to serve now, at most 30 s behind the registry; raise NoModelError."""
        before = self._served.get(use_case.name)
        if model := self.serving(use_case):
            return model
        with self._reading:
            now = self._served.get(use_case.name)
            return now.model if now is not None and now is not before else self._reload(use_case)

    def serving(self, use_case: UseCase) -> OnnxModel | None:
        """Return the version to serve now, None when it is time to read the registry and nobody does so yet."""
        served = self._served.get(use_case.name)
        if served is None:
            return None
        fresh = self._seconds() - served.checked < REFRESH_SECONDS
        return served.model if fresh or self._reading.locked() else None

    def reload(self, use_case: UseCase) -> OnnxModel:
        """Read the registry now; serve its champion, or, when that is impossible, what was served before."""
        with self._reading:
            return self._reload(use_case)

    def _reload(self, use_case: UseCase) -> OnnxModel:
        before = self._served.get(use_case.name)
        model = before.model if before else self._bundled_champion(use_case)
        refused = before.refused if before else None
        try:
            version = self._champion_version(use_case, model)
            if version and version != refused:
                model, refused = self._switched(use_case, version, model, refused)
        except UnavailableError:
            if model is None:
                raise
        if model is None:
            raise NoModelError(use_case.name)
        self._served[use_case.name] = _Served(model, self._seconds(), refused)
        return model

    def cards(self, use_case: UseCase) -> ModelCards:
        """Return what is known about all registered versions; without the registry, about the bundled one."""
        try:
            if registry := self._registry():
                return _cards(registry, use_case.name)
        except UnavailableError:
            pass
        bundled = self._bundled.metadata(use_case.name)
        return ModelCards([bundled], bundled, None)

    def _switched(
        self, use_case: UseCase, version: str, model: OnnxModel | None, refused: str | None
    ) -> tuple[OnnxModel | None, str | None]:
        """Return the version and nothing refused, or what was served before and the version as refused."""
        registry = self._registry()
        try:
            if registry and (model is None or model.version != version):
                model = registry.load(use_case, version)
        except ModelError as error:
            self._report(use_case, version, error)
            return model, version
        if refused:
            self._report(use_case, version, None)
        return model, None

    def _champion_version(self, use_case: UseCase, before: OnnxModel | None) -> str | None:
        registry = self._registry()
        try:
            return registry.alias(use_case.name, "champion") if registry else None
        except ModelError as error:
            version = before.version if before else None
            self._report(use_case, version or "unknown", error)
            return version

    def _bundled_champion(self, use_case: UseCase) -> OnnxModel | None:
        try:
            return self._bundled.champion(use_case)
        except ModelError:
            return None


def _cards(registry: Registry, use_case: str) -> ModelCards:
    versions = [registry.metadata(use_case, version) for version in reversed(registry.versions(use_case))]
    by_name = {metadata.version: metadata for metadata in versions}
    aliases = registry.aliases(use_case)
    return ModelCards(versions, by_name.get(aliases.get("champion", "")), by_name.get(aliases.get("challenger", "")))
