"""Releasing versions: promote, roll back, retire; start and stop a trial beside the champion.

Each move compares what the alias says with what was read, and tells who comes second what changed. Whatever may answer
was loaded before and has answered its own examples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabserve.core.clock import Clock
from tabserve.core.errors import ReleaseError
from tabserve.core.use_case import UseCase
from tabserve.registry.standing import Standing, Trial, TrialKind, champion_before

if TYPE_CHECKING:
    from tabserve.registry.store import Registry


@dataclass(frozen=True, slots=True)
class Mover:
    """Who makes a move and why; `expected` is the number of the last move that they saw, None for whatever it is."""

    by: str
    reason: str = ""
    expected: int | None = None


class Releases:
    """Moves a use case's champion and the challenger beside it; every move is kept.

    All raise AliasMovedError, ReleaseError, NoModelError, IncompatibleModelError and StorageUnavailableError; then
    nothing was changed. `definition` gives the use cases of versions that carry none.
    """

    def __init__(self, registry: "Registry", definition: Callable[[str], UseCase], clock: Clock) -> None:
        self._registry = registry
        self._definition = definition
        self._clock = clock

    def promote(self, use_case: str, version: str, mover: Mover) -> Standing:
        """Make a version champion; a trial ends, and a retired use case comes back."""
        self._require_usable(use_case, version)

        def promoted(now: Standing) -> Standing:
            if now.version == version and not now.retired:
                raise ReleaseError(f"{version} is champion of {use_case} already.")
            return now.moved("promote", version, at=self._clock(), by=mover.by, reason=mover.reason)

        return self._registry.change(use_case, promoted, mover.expected)

    def rollback(self, use_case: str, mover: Mover) -> Standing:
        """Make the champion before this one champion again; a trial ends."""
        history = self._registry.history(use_case)
        version = champion_before(history)
        if version is None:
            raise ReleaseError(f"{use_case} has had no other champion; promote a version by its name.")
        self._require_usable(use_case, version)
        expected = history[-1].number if mover.expected is None else mover.expected

        def rolled_back(now: Standing) -> Standing:
            return now.moved("rollback", version, at=self._clock(), by=mover.by, reason=mover.reason)

        return self._registry.change(use_case, rolled_back, expected)

    def retire(self, use_case: str, mover: Mover) -> Standing:
        """Let a use case answer no more; its versions stay."""

        def retired(now: Standing) -> Standing:
            if now.retired:
                raise ReleaseError(f"{use_case} is retired already.")
            return now.moved("retire", now.version, retired=True, at=self._clock(), by=mover.by, reason=mover.reason)

        return self._registry.change(use_case, retired, mover.expected)

    def start(self, use_case: str, kind: TrialKind, version: str, share: float, mover: Mover) -> Standing:
        """Let a version be shadow or canary beside the champion, or change the kind or share of the one that is.

        A canary answers `share` of the entities, above 0 and at most 1; a shadow scores everything.
        """
        if not 0 < share <= 1:
            raise ReleaseError(f"A canary answers a share above 0 and at most 1, such as 0.1; {share:g} is none.")
        trial = Trial(kind=kind, version=version, share=share if kind == "canary" else 1.0)
        challenger = self._require_usable(use_case, version)

        def started(now: Standing) -> Standing:
            self._require_comparable(use_case, now, trial, challenger)
            return now.moved(kind, now.version, trial=trial, at=self._clock(), by=mover.by, reason=mover.reason)

        return self._registry.change(use_case, started, mover.expected)

    def stop(self, use_case: str, mover: Mover) -> Standing:
        """End the trial; the champion answers all."""

        def stopped(now: Standing) -> Standing:
            if now.trial is None:
                raise ReleaseError(f"{use_case} has no shadow and no canary to stop.")
            return now.moved("stop", now.version, at=self._clock(), by=mover.by, reason=mover.reason)

        return self._registry.change(use_case, stopped, mover.expected)

    def _require_usable(self, use_case: str, version: str) -> UseCase:
        definition = self._definition_of(use_case, version)
        self._registry.load(definition, version)
        return definition

    def _definition_of(self, use_case: str, version: str) -> UseCase:
        return self._registry.definition(use_case, version) or self._definition(use_case)

    def _require_comparable(self, use_case: str, now: Standing, trial: Trial, challenger: UseCase) -> None:
        if now.version is None or now.retired:
            raise ReleaseError(f"{use_case} has no champion that answers; promote a version first.")
        if trial.version == now.version:
            raise ReleaseError(f"{trial.version} is the champion of {use_case}; a trial is of another version.")
        if now.trial and now.trial.version != trial.version:
            raise ReleaseError(f"{now.trial.version} is {now.trial.kind} of {use_case}; stop it first.")
        champion = self._definition_of(use_case, now.version)
        for what in ("task", "features", "target"):
            if getattr(champion, what) != getattr(challenger, what):
                raise ReleaseError(
                    f"{trial.version} was trained on another definition of the {what} than the champion, so both "
                    "cannot answer the same records; promote it instead."
                )
