"""Score the good files that have no predictions yet; `score_file` has what happens to one of them.

Files take turns, a chunk a turn: one of each use case, and of each its files. So a large file holds up no small one,
and no use case another. A bounded number of chunks is asked for at once, of one file or of several.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.batch.ports import FileResult, Markers, PendingFileStore, PredictionRun, RunStatus, ScheduledDependencies
from tabserve.batch.score_file import (
    SECONDS_PER_CHUNK,
    Chunk,
    FileInWork,
    gave_up,
)
from tabserve.core.clock import Clock
from tabserve.core.errors import PredictionServiceError
from tabserve.core.files import Ingestion

NO_MODEL = "no_model"
MAX_FILES = 1_000
MAX_LARGE_FILES = 8  # each has a stream and a chunk of its own in memory
OUTAGES_IN_A_ROW = 2
MAX_HOPS = 10
LOOK_EVERY_S = 5.0
LEASES_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Scored:
    """A stored run and what it did to each file it claimed; work is `left` where it got ahead until its time was up."""

    run: PredictionRun
    results: Sequence[FileResult]
    left: bool = False


def score_pending(deps: ScheduledDependencies, owner: str, seconds_left: Callable[[], float]) -> Scored:
    """Score pending files until none is left, time runs out or an outage lasts; store and return the run."""
    started = deps.clock()
    work = _Run(deps, owner, seconds_left)
    work.work()
    results = work.results
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
    return Scored(run, results, left=work.left and (run.rows > 0 or run.files > 0))


def go_on(deps: ScheduledDependencies, scored: Scored, function: str, hop: int) -> bool:
    """Have `function` run again at once where work is left; tell whether it will. The schedule sees to the rest.

    `hop` says how many runs in a row began so.
    """
    if not scored.left or hop >= MAX_HOPS:
        return False
    try:
        deps.run_again(function, hop + 1)
    except PredictionServiceError:
        return False
    return True


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


class Turns:
    """Files that wait for their turn: one of each use case, and of each use case its files."""

    def __init__(self) -> None:
        self._files: dict[str, deque[FileInWork]] = {}

    def __iter__(self) -> Iterator[FileInWork]:
        """Yield all files."""
        return chain.from_iterable(self._files.values())

    def add(self, file: FileInWork) -> None:
        """Let a file wait behind the others of its use case."""
        self._files.setdefault(file.use_case, deque()).append(file)

    def next(self) -> FileInWork | None:
        """Return whose turn it is, and put it and its use case last."""
        if not self._files:
            return None
        use_case = next(iter(self._files))
        files = self._files[use_case] = self._files.pop(use_case)
        files.rotate(-1)
        return files[-1]

    def remove(self, file: FileInWork) -> None:
        """Let a file wait no more."""
        files = self._files.get(file.use_case, deque())
        if file in files:
            files.remove(file)
        if not files:
            self._files.pop(file.use_case, None)


class _Run:
    """One run; `left` says that its time was over before its work."""

    def __init__(self, deps: ScheduledDependencies, owner: str, seconds_left: Callable[[], float]) -> None:
        self.results: list[FileResult] = []
        self.left = False
        self._deps = deps
        self._owner = owner
        self._seconds_left = seconds_left
        self._turns = Turns()
        self._asked: dict[Future[Mapping[int, str]], tuple[FileInWork, Chunk]] = {}
        self._seen: set[str] = set()
        self._without_model: set[str] = set()
        self._outages = 0
        self._answers = 0  # so many more calls may be in the air: not all instances start cold at the same moment
        self._looked_at = math.inf  # in seconds that were left

    def work(self) -> None:
        """Work until there is no file left, no time or no service."""
        with ThreadPoolExecutor(self._deps.calls, "calls") as pool:
            while True:
                if self._must_stop():
                    for file in list(self._turns):
                        self._end(file)
                elif len(self._asked) < min(self._deps.calls, 1 + self._answers):
                    self._look_for_files()
                    if (next_file := self._turns.next()) is not None:
                        self._take_turn(next_file, pool)
                        self._collect(within_s=0)
                        continue
                if not self._asked:
                    return
                self._collect(LEASES_EVERY_S)

    def _must_stop(self) -> bool:
        late = self._seconds_left() < SECONDS_PER_CHUNK
        self.left = self.left or (late and any(True for _ in self._turns))
        return late or self._outages >= OUTAGES_IN_A_ROW

    def _look_for_files(self) -> None:
        """Let files wait that are new since the last look, only so many large ones as may be open at once."""
        now, waiting = self._seconds_left(), list(self._turns)
        if (waiting or self._asked) and self._looked_at - now < LOOK_EVERY_S:
            return
        self._looked_at = now
        large = sum(file.is_large for file in waiting)
        for ingestion in self._deps.files.to_predict(MAX_FILES):
            file = FileInWork(self._deps, ingestion, self._owner)
            held_back = file.is_large and large >= MAX_LARGE_FILES
            if held_back or ingestion.file_id in self._seen or file.use_case in self._without_model:
                continue
            large += file.is_large
            self._seen.add(ingestion.file_id)
            self._turns.add(file)

    def _take_turn(self, file: FileInWork, pool: ThreadPoolExecutor) -> None:
        chunk = file.next_chunk()
        if chunk and chunk.records:
            file.in_the_air += 1
            self._asked[pool.submit(file.ask, chunk)] = (file, chunk)
        if file.has_ended:
            self._end(file)

    def _collect(self, within_s: float) -> None:
        """Wait for an answer, note all that are there, and keep the leases."""
        answers, _ = wait(self._asked, timeout=within_s, return_when=FIRST_COMPLETED)
        for answer in answers:
            self._answers += 1
            file, chunk = self._asked.pop(answer)
            file.answered(chunk, answer)
            if file.has_ended:
                self._end(file)
        for file in chain(self._turns, (file for file, _ in self._asked.values())):
            file.keep()

    def _end(self, file: FileInWork) -> None:
        """Ask for nothing more of a file, and settle it after its last answer."""
        self._turns.remove(file)
        file.has_ended = True
        result = None if file.in_the_air else file.settle()
        if result is None:
            return
        self.results.append(result)
        self._outages = self._outages + 1 if result.cause == "outage" else 0
        if result.cause == "model":
            self._without_model.add(file.use_case)
            for other in [other for other in self._turns if other.use_case == file.use_case]:
                self._end(other)


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
