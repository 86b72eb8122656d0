"""Watch challengers: count how they score, and stop a trial that fails."""

import math
import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from tabserve.core.clock import Clock
from tabserve.core.errors import ModelError, UnavailableError
from tabserve.registry.release import Mover
from tabserve.serving.answers import Challenger
from tabserve.serving.ports import Models, PredictionStore
from tabserve.serving.trial import FAILURES_IN_A_ROW, RECENT, Role, ScoringCount, bucket, verdict

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from tabserve.registry.release import Releases

EVERY_SECONDS = 10.0
AFTER_A_FAILURE = 1.0
MOVER = "tabserve"

Key = tuple[str, int, Role, str, float]
Trial = tuple[str, int]


class Trials:
    """Counts this instance's scoring while a challenger is on trial, and adds it to what all instances counted.

    The call that is due does so; there is no thread for it. A failure makes it due soon, several in a row at once.
    Whoever then sees that a trial has failed stops it, unless somebody has moved the alias meanwhile: `stopped` is told
    which and why.
    """

    def __init__(
        self,
        store: PredictionStore,
        models: Models,
        releases: "Callable[[], Releases]",
        stopped: Callable[[Challenger, str], None],
        log: "Logger",
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._models = models
        self._releases = releases
        self._stopped = stopped
        self._log = log
        self._clock = clock
        self._seconds = seconds
        self._counts: dict[Key, tuple[int, int, int, float]] = {}
        self._watched: dict[Trial, Challenger] = {}
        self._failed_in_a_row: dict[Trial, tuple[int, str]] = {}
        self._last = -math.inf
        self._wait = EVERY_SECONDS
        self._lock = Lock()

    def observe(self, of: Challenger, role: Role, version: str, rows: int, seconds: float, failure: str = "") -> None:
        """Count one call's scoring by the challenger, or by the champion beside it; `failure` says what went wrong."""
        trial = (of.use_case.name, of.number)
        key = (*trial, role, version, bucket(seconds))
        with self._lock:
            self._watched[trial] = of
            self._add(key, (1, int(bool(failure)), rows, seconds))
            if role != "champion":
                before, _ = self._failed_in_a_row.get(trial, (0, ""))
                self._failed_in_a_row[trial] = (before + 1, failure) if failure else (0, "")
                if failure:
                    at_once = (before + 1) % FAILURES_IN_A_ROW == 0
                    self._wait = 0.0 if at_once else min(self._wait, AFTER_A_FAILURE)

    def is_due(self) -> bool:
        """Tell whether it is time to settle."""
        if not self._counts:
            return False
        return self._seconds() - self._last >= self._wait

    def settle(self) -> None:
        """Store what was counted and stop the trials that have failed; every error is logged, none is raised."""
        with self._lock:
            if not self.is_due():
                return
            self._last, self._wait = self._seconds(), EVERY_SECONDS
            taken, self._counts = self._counts, {}
            watched, self._watched = self._watched, {}
            in_a_row = {trial: found for trial, found in self._failed_in_a_row.items() if found[0]}
            self._failed_in_a_row = dict(in_a_row)
        try:
            counts = [ScoringCount(*key, *values) for key, values in sorted(taken.items())]
            self._store.add_scoring(counts, self._clock().replace(second=0, microsecond=0))
        except Exception:  # noqa: BLE001  whatever it is, the request was answered
            self._log.exception("scoring not counted yet")
            with self._lock:
                for key, values in taken.items():
                    self._add(key, values)
        for trial, challenger in watched.items():
            times, failure = in_a_row.get(trial, (0, ""))
            try:
                self._judge(challenger, failure if times >= FAILURES_IN_A_ROW else "", failure)
            except Exception:  # noqa: BLE001  as above; the next call tries again
                self._log.exception("trial not stopped yet")

    def _judge(self, challenger: Challenger, in_a_row: str, failure: str) -> None:
        name = challenger.use_case.name
        if in_a_row:
            reason: str | None = f"{in_a_row} in {FAILURES_IN_A_ROW} calls in a row"
        else:
            reason = verdict(self._store.scoring(name, challenger.number, self._clock() - RECENT))
            reason = f"{reason}: {failure}" if reason and failure else reason
        if reason is None:
            return
        try:
            self._releases().stop(name, Mover(MOVER, reason, challenger.number))
        except UnavailableError:
            raise
        except ModelError:  # somebody else has stopped it or made another move
            self._log.warning("trial was moved meanwhile", extra={"use_case": name})
        else:
            self._stopped(challenger, reason)
        self._models.reload(name)

    def _add(self, key: Key, values: tuple[int, int, int, float]) -> None:
        calls, failures, rows, seconds = self._counts.get(key, (0, 0, 0, 0.0))
        self._counts[key] = (calls + values[0], failures + values[1], rows + values[2], seconds + values[3])
