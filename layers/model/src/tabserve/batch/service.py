"""Score the good files that have no predictions yet; `score_file` tells what happens to one of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tabserve.batch.file_alerts import NO_MODEL, model_alert
from tabserve.batch.ports import PredictionRun, RunStatus
from tabserve.batch.score_file import LEASE_SECONDS, SECONDS_PER_CHUNK, FileOutcome, ScheduledDependencies, score_file

MAX_FILES = 1_000
OUTAGES_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Scored:
    """A stored run and what it did to each file it claimed."""

    run: PredictionRun
    outcomes: Sequence[FileOutcome]


def score_pending(deps: ScheduledDependencies, owner: str, seconds_left: Callable[[], float]) -> Scored:
    """Score pending files until none is left, time runs out or an outage lasts; store and return the run."""
    started = deps.clock()
    outcomes = list(_outcomes(deps, owner, seconds_left))
    _tell_about_models(deps, outcomes)
    run = PredictionRun(
        id=deps.new_id(),
        started_at=started,
        finished_at=deps.clock(),
        status=_status(outcomes),
        files=sum(outcome.done for outcome in outcomes),
        rows=sum(outcome.rows for outcome in outcomes),
        error="; ".join(f"{outcome.file_id[:12]}: {outcome.error}" for outcome in outcomes if outcome.error) or None,
    )
    deps.runs.add(run)
    return Scored(run, outcomes)


def _outcomes(deps: ScheduledDependencies, owner: str, seconds_left: Callable[[], float]) -> Iterator[FileOutcome]:
    outages = 0
    without_model: set[str | None] = set()
    for ingestion in deps.files.to_predict(MAX_FILES):
        if seconds_left() < SECONDS_PER_CHUNK or outages == OUTAGES_IN_A_ROW:
            return
        if ingestion.use_case in without_model:
            continue
        claim = deps.markers.claim(ingestion.file_id, owner, LEASE_SECONDS, ingestion.prediction_fence)
        if claim is None:
            continue
        outcome = score_file(deps, ingestion, claim, seconds_left)
        outages = outages + 1 if outcome.cause == "outage" else 0
        if outcome.cause == "model":
            without_model.add(ingestion.use_case)
        yield outcome


def _tell_about_models(deps: ScheduledDependencies, outcomes: Sequence[FileOutcome]) -> None:
    """Write an alert for each use case that begins to lack a usable model, or has one again."""
    lacking = {outcome.use_case: outcome.error for outcome in outcomes if outcome.cause == "model"}
    served = {outcome.use_case: None for outcome in outcomes if outcome.rows}
    for use_case, error in {**served, **lacking}.items():
        alert = model_alert(use_case, deps.alerts.last(NO_MODEL, use_case), error, deps.clock())
        if alert:
            deps.alerts.add([alert])


def _status(outcomes: Sequence[FileOutcome]) -> RunStatus:
    if not outcomes:
        return "skipped"
    return "failed" if any(outcome.error for outcome in outcomes) else "completed"
