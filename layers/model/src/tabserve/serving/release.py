"""Which version answers, how that came about, and to change it: releases as the API offers them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tabserve.core.errors import (
    IncompatibleModelError,
    ReleaseError,
    UnavailableError,
    UnknownUseCaseError,
    UnknownVersionError,
)
from tabserve.registry.release import Mover
from tabserve.registry.standing import Standing, champion_before
from tabserve.registry.version import CARD
from tabserve.serving.service import PredictDependencies
from tabserve.serving.trial import Role, ScoringCount, quantile

Move = Literal["promote", "rollback", "retire", "shadow", "canary", "stop"]
MOVES_TOLD: Final = 100


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a version scores since a trial began: calls, those that failed, records, and times of a call in seconds."""

    role: Role
    version: str
    calls: int
    failures: int
    records: int
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Release:
    """Where a use case's champion stands, and its last moves, newest first.

    `challenger` is the version that was trained last, `before` the one that a rollback leads to. `scoring` has how both
    versions of a running trial score, and nothing while the database is away.
    """

    use_case: str
    standing: Standing
    challenger: str | None
    before: str | None
    moves: Sequence[Standing]
    scoring: Sequence[Scoring]


def release(use_case: str, deps: PredictDependencies) -> Release:
    """Tell which version answers, retired use cases included; raise UnknownUseCaseError."""
    _require_known(use_case, deps)
    registry = deps.registry()
    moves = registry.history(use_case, MOVES_TOLD)
    standing = moves[-1] if moves else Standing()
    return Release(
        use_case=use_case,
        standing=standing,
        challenger=registry.alias(use_case, "challenger"),
        before=champion_before(moves),
        moves=moves[::-1],
        scoring=_scoring(use_case, standing, deps),
    )


def make_move(
    use_case: str, move: Move, mover: Mover, deps: PredictDependencies, *, version: str = "", share: float = 1.0
) -> Standing:
    """Make a move; `version` is of promotions and trials, `share` of canaries.

    Raises UnknownUseCaseError, UnknownVersionError, AliasMovedError when somebody else was first, and ReleaseError when
    it is not allowed; then nothing was changed.
    """
    _require_known(use_case, deps)
    if version and version not in deps.registry().versions(use_case):
        raise UnknownVersionError(f"{use_case} has no version {version}; it may have been removed.")
    releases = deps.releases()
    try:
        match move:
            case "promote":
                return releases.promote(use_case, version, mover)
            case "rollback":
                return releases.rollback(use_case, mover)
            case "retire":
                return releases.retire(use_case, mover)
            case "stop":
                return releases.stop(use_case, mover)
        return releases.start(use_case, move, version, share, mover)
    except IncompatibleModelError as error:
        raise ReleaseError(f"{error} The champion stays.") from error


def model_card(use_case: str, version: str, deps: PredictDependencies) -> bytes:
    """Return a version's card, an HTML document; raise UnknownUseCaseError or UnknownVersionError."""
    _require_known(use_case, deps)
    registry = deps.registry()
    if version not in registry.versions(use_case):
        raise UnknownVersionError(f"{use_case} has no version {version}; it may have been removed.")
    if CARD not in registry.metadata(use_case, version).files:
        raise UnknownVersionError(f"Version {version} has no card: it is older than cards. Train it again for one.")
    return registry.file(use_case, version, CARD)


def _scoring(use_case: str, standing: Standing, deps: PredictDependencies) -> list[Scoring]:
    if standing.trial is None or standing.at is None:
        return []
    began = standing.at.replace(second=0, microsecond=0)  # what is counted is counted by the minute
    try:
        counts = deps.predictions.scoring(use_case, standing.number, began)
    except UnavailableError:  # whoever wants to stop a trial needs no figures
        return []
    found = defaultdict[tuple[Role, str], list[ScoringCount]](list)
    for each in counts:
        found[each.role, each.model_version].append(each)
    return [
        Scoring(
            role=role,
            version=version,
            calls=sum(each.calls for each in own),
            failures=sum(each.failures for each in own),
            records=sum(each.rows for each in own),
            median=quantile(own, 0.5),
            p95=quantile(own, 0.95),
        )
        for (role, version), own in sorted(found.items())
    ]


def _require_known(use_case: str, deps: PredictDependencies) -> None:
    """Raise UnknownUseCaseError unless there is, or was, such a use case."""
    if use_case not in deps.catalog.names() and use_case not in deps.registry().use_cases():
        raise UnknownUseCaseError(use_case, deps.catalog.names())
