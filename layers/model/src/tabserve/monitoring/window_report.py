"""What monitoring needs from the outside, as Protocols, and what it finds out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tabserve.alerts.alert import Alert
from tabserve.monitoring.alert_rules import Finding
from tabserve.monitoring.drift import ColumnDrift
from tabserve.monitoring.performance import Measure
from tabserve.monitoring.windows import PredictionRow, Span
from tabserve.reference.reference import Reference


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of one column: rows of the reference and of the window in it."""

    bin: str
    reference: int
    rows: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a closed window says, as far as it needs no outcomes."""

    use_case: str
    span: Span
    drifts: Sequence[ColumnDrift]
    bins: Mapping[str, Sequence[Bin]]
    measures: Sequence[Measure]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Rows and files that arrived for a use case in some time."""

    use_case: str
    rows_total: int
    rows_bad: int
    files_rejected: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Predictions of one window whose outcomes are known."""

    span: Span
    predictions: Sequence[str]
    probabilities: Sequence[float]
    actuals: Sequence[str]


@dataclass(frozen=True, slots=True)
class Saved:
    """What was new: closed windows and alerts."""

    windows: int
    alerts: Sequence[Alert]


class References(Protocol):
    """What model versions are compared with."""

    def get(self, use_case: str, version: str) -> Reference | None:
        """Return the reference of a version, if it has one."""
        ...


class MonitorStore(Protocol):
    """Predictions and outcomes to be judged, and the verdicts on them."""

    def versions(self, use_case: str, reach_back_minutes: int) -> Sequence[str]:
        """Return versions that may have predictions in windows not closed yet."""
        ...

    def closed_until(self, use_case: str, version: str) -> datetime | None:
        """Return the end of a version's last closed window."""
        ...

    def alarms_in_a_row(self, use_case: str, version: str, limit: int) -> int:
        """Return how many of a version's last windows, without a break and at most `limit`, have an alarm."""
        ...

    def predictions(
        self, use_case: str, version: str, start: datetime | None, end: datetime
    ) -> Iterator[Sequence[PredictionRow]]:
        """Yield blocks of predictions ordered by time; `start` is included, `end` is not."""
        ...

    def windows_with_new_outcomes(self, use_case: str, reach_back_minutes: int) -> Sequence[Span]:
        """Return closed windows with outcomes that no measure counts yet."""
        ...

    def outcomes(self, use_case: str, spans: Sequence[Span]) -> Iterator[Outcomes]:
        """Yield what is known about each of some windows."""
        ...

    def last_prediction(self, use_case: str) -> datetime | None:
        """Return when the last prediction was made."""
        ...

    def arrivals(self, since: datetime) -> Sequence[Arrivals]:
        """Return what arrived for each use case since then."""
        ...

    def save(self, verdicts: Sequence[Verdict], findings: Sequence[Finding], at: datetime) -> Saved:
        """Store verdicts and the alerts that findings lead to in one transaction, one run at a time."""
        ...

    def save_measures(self, use_case: str, measures: Sequence[tuple[Span, Measure]], at: datetime) -> None:
        """Store measured performance, in place of what was measured with fewer outcomes."""
        ...
