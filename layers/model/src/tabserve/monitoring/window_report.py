"""What monitoring finds out about windows, and what it finds it out from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabserve.alerts.alert import Alert
from tabserve.monitoring.drift import ColumnDrift
from tabserve.monitoring.windows import Span
from tabserve.reference.performance import Measure


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of one column: rows of the reference and of the window in it."""

    bin: str
    reference: int
    rows: int


@dataclass(frozen=True, slots=True)
class WindowReport:
    """What a closed window says, as far as it needs no ground truth."""

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
class KnownTruths:
    """Predictions of one window whose ground truth is known."""

    span: Span
    predictions: Sequence[str]
    answered: Sequence[float]  # probabilities, or predicted numbers
    lows: Sequence[float | None]
    highs: Sequence[float | None]
    actuals: Sequence[str]


@dataclass(frozen=True, slots=True)
class Saved:
    """What was new: closed windows and alerts."""

    windows: int
    alerts: Sequence[Alert]
