"""Score the good files that have no predictions yet; `score_file` has what happens to one of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.batch.ports import Markers, PendingFileStore, PredictionRun, RunStatus
from tabserve.batch.score_file import (
    LEASE_SECONDS,
    SECONDS_PER_CHUNK,
    FileResult,
    ScheduledDependencies,
    gave_up,
    score_file,
)
from tabserve.core.clock import Clock
from tabserve.core.files import Ingestion

NO_MODEL = "no_model"
MAX_FILES = 1_000
OUTAGES_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Scored:
    """A stored run and what it did to each file it claimed."""

    run: PredictionRun
    results: Sequence[FileResult]


def score_pending(deps: ScheduledDependencies, owner: str, seconds_left: Callable[[], float]) -> Scored:
    """Score pending files until none is left, time runs out or an outage lasts; store and return the run."""
    started = deps.clock()
    results = list(_results(deps, owner, seconds_left))
    _notify_about_models(deps, results)
    run = PredictionRun(
        id=deps.new_id(),
        started_at=started,
        finished_at=deps.clock(),
        status=_status(results),
        files=sum(result.done for result in results),
        rows=sum(result.rows for result in results),
        error="; ".join(f"{result.file_id[:12]}: {result.error}" for result in results if result.error) or None,
    )
    deps.files.add_run(run)
    return Scored(run, results)


def retry_given_up(files: PendingFileStore, markers: Markers, clock: Clock) -> Sequence[Ingestion]:
    """Let files that were given up be predicted again, after somebody has mended the cause; return the files."""
    given_up = files.given_up()
    for file in given_up:
        now = clock()
        # The marker first: a file whose marker is open and whose error stands is not picked up, so it can be repeated.
        markers.reopen(file.file_id)
        alert = gave_up(file, "resolved", now.isoformat(), None, now)
        files.retry_predicting(file.file_id, [alert])
    return given_up


def _results(deps: ScheduledDependencies, owner: str, seconds_left: Callable[[], float]) -> Iterator[FileResult]:
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
        result = score_file(deps, ingestion, claim, seconds_left)
        outages = outages + 1 if result.cause == "outage" else 0
        if result.cause == "model":
            without_model.add(ingestion.use_case)
        yield result


def _notify_about_models(deps: ScheduledDependencies, results: Sequence[FileResult]) -> None:
    """Write an alert for each use case that begins to lack a usable model, or has one again."""
    lacking = {result.use_case: result.error for result in results if result.cause == "model"}
    served = {result.use_case: None for result in results if result.rows}
    for use_case, error in {**served, **lacking}.items():
        alert = _model_alert(use_case, deps.alerts.last(NO_MODEL, use_case), error, deps.clock())
        if alert:
            deps.alerts.add([alert])


def _status(results: Sequence[FileResult]) -> RunStatus:
    if not results:
        return "skipped"
    return "failed" if any(result.error for result in results) else "completed"


def _model_alert(use_case: str, last: Alert | None, error: str | None, at: datetime) -> Alert | None:
    """Return the alert that the files of a use case begin to wait for a model, or are predicted again.

    Args:
        use_case: whose files.
        last: the latest such alert; runs that overlap know the same one, and so tell the same transition once.
        error: why there is no usable model now; None where there is one.
        at: the time.

    """
    fires = last is not None and last.state == "firing"
    if fires == (error is not None):
        return None
    state: AlertState = "resolved" if fires else "firing"
    id_ = alert_id(NO_MODEL, use_case, state, last.id if last else "")
    return Alert(id_, NO_MODEL, use_case, use_case, state, "critical", {"use_case": use_case, "error": error}, at)
