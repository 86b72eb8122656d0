"""Performance measured where the ground truth is known: of the held-out rows in training, of windows afterwards."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from tabserve.core.use_case import UseCase
from tabserve.reference.calibration import calibration_error
from tabserve.reference.intervals import bootstrap, wilson

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]

RESAMPLES = 300
LOWER_IS_BETTER: Final = frozenset({"brier", "calibration_error", "mae", "rmse", "median_absolute_error"})


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of some rows with its 95 % interval; `n` rows it is computed from.

    An alert asks whether the whole interval is beyond `alarm_limit`; None where nothing is asked.
    """

    metric: str
    value: float
    low: float
    high: float
    n: int
    kind: Literal["measured", "estimated"]
    alarm_limit: float | None = None

    @property
    def beyond_limit(self) -> bool:
        """Whether even the better end of the interval is worse than the limit."""
        if self.alarm_limit is None:
            return False
        return self.low > self.alarm_limit if self.metric in LOWER_IS_BETTER else self.high < self.alarm_limit


@dataclass(frozen=True, slots=True)
class Answers:
    """Answered classes and probabilities; `positive` is the class that probability is of, None if the answered one."""

    predictions: Texts
    probabilities: Floats
    positive: str | None

    @classmethod
    def of(cls, use_case: UseCase, predictions: Sequence[str], probabilities: Sequence[float]) -> Self:
        """Take classes as text and the probabilities that the API answers."""
        positive = use_case.target.positive_class
        return cls(
            np.array(predictions, dtype=np.str_),
            np.array(probabilities, dtype=np.float64),
            None if positive is None else str(positive),
        )

    def __len__(self) -> int:
        return len(self.predictions)

    def happened(self, actuals: Texts) -> Flags:
        """Return whether what each probability stands for happened."""
        return np.equal(actuals, self.predictions if self.positive is None else self.positive)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A regression's answers: predicted numbers and the intervals around them."""

    values: Floats
    lows: Floats
    highs: Floats

    @classmethod
    def of(cls, use_case: UseCase, values: Floats, half_width: float) -> Self:
        """Put intervals around numbers, cut where the target has limits."""
        target = use_case.target
        lows, highs = values - half_width, values + half_width
        limits = (target.minimum, target.maximum)
        if limits != (None, None):
            lows, highs = np.clip(lows, *limits), np.clip(highs, *limits)
        return cls(values, lows, highs)

    def __len__(self) -> int:
        return len(self.values)

    def holds(self, actuals: Floats) -> Flags:
        """Return whether each interval holds the true value."""
        return (self.lows <= actuals) & (actuals <= self.highs)


def measure_numbers(answers: Numbers, actuals: Sequence[float] | Floats) -> list[Measure]:
    """Compare a regression's answers with ground truth; nothing without rows."""
    if not len(answers):
        return []
    truth = np.asarray(actuals, dtype=np.float64)
    found = [
        _resampled(name, lambda rows, of=of: of(answers.values[rows], truth[rows]), len(answers))  # type: ignore[misc]
        for name, of in NUMBER_MEASURES.items()
    ]
    held = int(answers.holds(truth).sum())
    low, high = wilson(held, len(answers))
    return [*found, Measure("coverage", held / len(answers), low, high, len(answers), "measured")]


def measure(answers: Answers, actuals: Sequence[str]) -> list[Measure]:
    """Compare answers with ground truth; nothing without rows."""
    if not len(answers):
        return []
    truth = np.asarray(actuals, dtype=np.str_)
    right = int((answers.predictions == truth).sum())
    low, high = wilson(right, len(answers))
    found = [Measure("accuracy", right / len(answers), low, high, len(answers), "measured")]
    by_class = _binary if answers.positive is not None else _macro
    return found + list(by_class(answers, truth)) + list(_scores(answers, answers.happened(truth)))


def _binary(answers: Answers, truth: Texts) -> Iterator[Measure]:
    claimed, real = answers.predictions == answers.positive, truth == answers.positive
    hits = int((claimed & real).sum())
    for metric, rows in (("precision", int(claimed.sum())), ("recall", int(real.sum()))):
        if rows:
            yield Measure(metric, hits / rows, *wilson(hits, rows), rows, "measured")
    if claimed.any() or real.any():
        yield _resampled("f1", lambda rows: _f1(claimed[rows], real[rows]), len(answers))


def _macro(answers: Answers, truth: Texts) -> Iterator[Measure]:
    classes = np.unique(np.concatenate((answers.predictions, truth)))
    claims = [answers.predictions == name for name in classes]
    reals = [truth == name for name in classes]
    pairs = list(zip(claims, reals, strict=True))
    shares: Mapping[str, Callable[[Flags, Flags], float]] = {"precision": _precision, "recall": _recall, "f1": _f1}

    def mean_of(share: Callable[[Flags, Flags], float]) -> Callable[[NDArray[np.int64]], float]:
        return lambda rows: float(np.mean([share(c[rows], r[rows]) for c, r in pairs]))

    for metric, share in shares.items():
        yield _resampled(metric, mean_of(share), len(answers))


def _scores(answers: Answers, happened: Flags) -> Iterator[Measure]:
    p, y = answers.probabilities, happened.astype(np.float64)
    squared = (p - y) ** 2
    yield _resampled("brier", lambda rows: float(squared[rows].mean()), len(answers))
    yield _resampled("calibration_error", lambda rows: calibration_error(p[rows], y[rows]), len(answers))


def _resampled(metric: str, statistic: Callable[[NDArray[np.int64]], float], n: int) -> Measure:
    low, high = bootstrap(statistic, n, RESAMPLES)
    return Measure(metric, statistic(np.arange(n)), low, high, n, "measured")


def _precision(claimed: Flags, real: Flags) -> float:
    return float((claimed & real).sum() / max(1, claimed.sum()))


def _recall(claimed: Flags, real: Flags) -> float:
    return float((claimed & real).sum() / max(1, real.sum()))


def _f1(claimed: Flags, real: Flags) -> float:
    return float(2 * (claimed & real).sum() / max(1, claimed.sum() + real.sum()))


def _mae(values: Floats, truth: Floats) -> float:
    return float(np.abs(values - truth).mean())


def _rmse(values: Floats, truth: Floats) -> float:
    return math.sqrt(((values - truth) ** 2).mean())


def _r2(values: Floats, truth: Floats) -> float:
    """Return the share of the variance that is explained; NaN where there is none."""
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((values - truth) ** 2).sum()) / spread if spread else math.nan


def _median_absolute_error(values: Floats, truth: Floats) -> float:
    return float(np.median(np.abs(values - truth)))


NUMBER_MEASURES: Final[Mapping[str, Callable[[Floats, Floats], float]]] = {
    "mae": _mae,
    "rmse": _rmse,
    "r2": _r2,
    "median_absolute_error": _median_absolute_error,
}
