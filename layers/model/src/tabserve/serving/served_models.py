"""The models a process serves: the registry's champions, re-read now and then, or the bundled ones without it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock

from tabserve.core.catalog import Catalog
from tabserve.core.errors import ModelError, NoModelError, RetiredUseCaseError, UnavailableError
from tabserve.registry.standing import Standing
from tabserve.registry.store import BundledModels, Registry
from tabserve.registry.version import ModelCards
from tabserve.serving.answers import Challenger, Served
from tabserve.serving.loads import Loads
from tabserve.serving.model_alerts import Place

REFRESH_SECONDS = 10.0  # a move is live within 30 s, loading on a busy machine included
LOADING_SECONDS = 1.0  # a version that is being loaded is looked for again so soon
PATIENCE_S = 2.0  # which the call that finds another champion waits for it; others do not wait


@dataclass(frozen=True, slots=True)
class _State:
    served: Served
    checked: float = 0.0
    loading: bool = False
    refused: str | None = None
    refused_trial: int | None = None


class ServedModels:
    """One loaded champion per use case; a champion that cannot be loaded leaves the one before it in place.

    Each comes with the definition it was trained on; versions of long ago carry none and take the catalog's. A
    challenger on trial is beside it as soon as it is loaded, which no call waits for; one that cannot be loaded never
    is. `report` is told why a version is refused, and, without an error, that one is served after another was refused.
    """

    def __init__(
        self,
        catalog: Catalog,
        registry: Callable[[], Registry] | None,
        bundled: BundledModels,
        report: Callable[[str, str, ModelError | None, Place], None],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._registry = cache(registry) if registry else lambda: None
        self._bundled = bundled
        self._report = report
        self._seconds = seconds
        self._states: dict[str, _State] = {}
        self._older: dict[tuple[str, str], Served] = {}
        self._loads = Loads(self._load)
        self._reading = Lock()

    def champion(self, name: str) -> Served:
        """Return the version to serve now, at most 10 s behind the registry and the time to load.

        Raises UnknownUseCaseError, RetiredUseCaseError, NoModelError.
        """
        before = self._states.get(name)
        if served := self.serving(name):
            return served
        with self._reading:
            now = self._states.get(name)
            return now.served if now is not None and now is not before else self._reload(name, PATIENCE_S)

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
            return self._reload(name, None)

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
            self._older[key] = self._load(name, older.version) if older else replace(champion, challenger=None)
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

    def _reload(self, name: str, patience: float | None) -> Served:
        state = self._states.get(name) or self._bundled_state(name)
        try:
            standing = self._standing(name, state)
            if standing and standing.version:
                state = self._with_champion(name, standing.version, state, patience)
            if standing and state:
                state = self._with_challenger(name, standing, state, patience)
        except UnavailableError:
            if state is None:
                raise
        if state is None:
            raise NoModelError(self._catalog.get(name).name)
        sooner = REFRESH_SECONDS - LOADING_SECONDS if state.loading else 0.0
        self._states[name] = replace(state, checked=self._seconds() - sooner, loading=False)
        return state.served

    def _with_champion(self, name: str, version: str, state: _State | None, patience: float | None) -> _State | None:
        """Return the state with this version served, or refused; as it was while that is being loaded."""
        if state and version in {state.served.version, state.refused} and state.refused in {None, version}:
            return state
        try:
            if state is None:
                return _State(self._load(name, version))
            served = state.served if state.served.version == version else self._loads.take(name, version, patience)
        except ModelError as error:
            self._report(name, version, error, "champion")
            return state and replace(state, refused=version)
        if served is None:
            return replace(state, loading=True)
        if state.refused:
            self._report(name, version, None, "champion")
        return _State(served)

    def _with_challenger(self, name: str, standing: Standing, state: _State, patience: float | None) -> _State:
        """Return the state with the challenger on trial; without while it is being loaded, or when it is refused."""
        trial, now = standing.trial, state.served.challenger
        if now and trial and now.number == standing.number:
            return state
        alone = replace(state, served=replace(state.served, challenger=None)) if now else state
        if trial is None or state.served.version != standing.version or state.refused_trial == standing.number:
            return alone
        try:
            same = now.served if now and now.version == trial.version else None
            found = same or self._loads.take(name, trial.version, None if patience is None else 0)
        except ModelError as error:
            self._report(name, trial.version, error, "challenger")
            return replace(alone, refused_trial=standing.number)
        if found is None:
            return replace(alone, loading=True)
        if state.refused_trial is not None:
            self._report(name, trial.version, None, "challenger")
        challenger = Challenger(trial.kind, trial.share, standing.number, found)
        return replace(state, served=replace(state.served, challenger=challenger), refused_trial=None)

    def _load(self, name: str, version: str) -> Served:
        registry = self._registry()
        if registry is None:
            raise NoModelError(name)
        use_case = registry.definition(name, version) or self._catalog.get(name)
        return Served(use_case, registry.load(use_case, version))

    def _standing(self, name: str, before: _State | None) -> Standing | None:
        """Return what the alias says, None without a registry or where nobody can read that."""
        registry = self._registry()
        if registry is None:
            return None
        try:
            standing = registry.standing(name)
        except ModelError as error:
            self._report(name, before.served.version if before else "unknown", error, "champion")
            return None
        if standing.retired:
            self._states.pop(name, None)
            raise RetiredUseCaseError(name)
        return standing

    def _bundled_state(self, name: str) -> _State | None:
        try:
            use_case = self._bundled.definition(name) or self._catalog.get(name)
            return _State(Served(use_case, self._bundled.champion(use_case)))
        except ModelError:
            return None


def _cards(registry: Registry, use_case: str) -> ModelCards:
    versions = [registry.metadata(use_case, version) for version in reversed(registry.versions(use_case))]
    by_name = {metadata.version: metadata for metadata in versions}
    aliases = registry.aliases(use_case)
    return ModelCards(versions, by_name.get(aliases.get("champion", "")), by_name.get(aliases.get("challenger", "")))
