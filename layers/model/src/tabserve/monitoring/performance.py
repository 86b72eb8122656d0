"""Performance of answered predictions: measured where the ground truth is known, estimated where they are not.

Estimates are confidence based (CBPE): a calibrated probability says how likely each answer is right, so it says how
many of a window's answers are expected to be.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tabserve.reference.calibration import Calibration, calibration_error
from tabserve.reference.intervals import Z, bootstrap, wilson
from tabserve.reference.profile import NumericProfile

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]

RESAMPLES = 300


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of one window with its 95 % interval; `n` rows it is computed from."""

    metric: str
    value: float
    low: float
    high: float
    n: int
    kind: Literal["measured", "estimated"]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answered classes and probabilities; `positive` is the class that probability is of, None if the answered one."""

    predictions: Texts
    probabilities: Floats
    positive: str | None

    def __len__(self) -> int:
        return len(self.predictions)

    def happened(self, actuals: Texts) -> Flags:
        """Return whether what each probability stands for happened."""
        return np.equal(actuals, self.predictions if self.positive is None else self.positive)


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


def estimate(answers: Answers, calibration: Calibration) -> list[Measure]:
    """Estimate performance without ground truth; the interval is what chance makes of as many rows."""
    if not len(answers):
        return []
    chance = calibration(answers.probabilities)
    spread = chance * (1 - chance)
    if answers.positive is None:
        right = chance
    else:
        claimed = answers.predictions == answers.positive
        right = np.where(claimed, chance, 1 - chance)
    n = len(answers)
    values = {"accuracy": (float(right.mean()), math.sqrt(spread.sum()) / n)}
    if answers.positive is not None:
        values |= _expected_by_class(chance, spread, claimed)
    p = answers.probabilities
    values["brier"] = (float((chance * (1 - p) ** 2 + (1 - chance) * p**2).mean()), _brier_error(p, spread))
    return [
        Measure(name, value, max(0.0, value - Z * error), min(1.0, value + Z * error), n, "estimated")
        for name, (value, error) in values.items()
        if math.isfinite(value)
    ]


def mean_probability(reference: NumericProfile, window: NumericProfile) -> list[Measure]:
    """Return a window's mean probability and the band it lies in, 95 % of the time, when nothing changed."""
    if reference.mean is None or window.mean is None:
        return []
    variance = float((reference.values - reference.mean) ** 2 @ reference.weights / reference.weights.sum())
    margin = Z * math.sqrt(variance * (1 / window.present + 1 / reference.present))
    low, high = max(0.0, reference.mean - margin), min(1.0, reference.mean + margin)
    return [Measure("mean_probability", window.mean, low, high, window.present, "measured")]


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
    for metric, share in shares.items():
        yield _resampled(
            metric,
            lambda rows, share=share: float(np.mean([share(c[rows], r[rows]) for c, r in pairs])),  # type: ignore[misc]
            len(answers),
        )


def _scores(answers: Answers, happened: Flags) -> Iterator[Measure]:
    p, y = answers.probabilities, happened.astype(np.float64)
    squared = (p - y) ** 2
    yield _resampled("brier", lambda rows: float(squared[rows].mean()), len(answers))
    yield _resampled("calibration_error", lambda rows: calibration_error(p[rows], y[rows]), len(answers))


def _resampled(metric: str, statistic: Callable[[NDArray[np.int64]], float], n: int) -> Measure:
    low, high = bootstrap(statistic, n, RESAMPLES)
    return Measure(metric, statistic(np.arange(n)), low, high, n, "measured")


def _expected_by_class(chance: Floats, spread: Floats, claimed: Flags) -> dict[str, tuple[float, float]]:
    claims = float(claimed.sum())
    hits, misses = float(chance[claimed].sum()), float(chance[~claimed].sum())
    hit_spread, miss_spread = float(spread[claimed].sum()), float(spread[~claimed].sum())
    found: dict[str, tuple[float, float]] = {}
    if claims:
        found["precision"] = hits / claims, math.sqrt(hit_spread) / claims
    if real := hits + misses:
        found["recall"] = hits / real, math.sqrt(misses**2 * hit_spread + hits**2 * miss_spread) / real**2
        total = claims + real
        error = 2 * math.sqrt((claims + misses) ** 2 * hit_spread + hits**2 * miss_spread) / total**2
        found["f1"] = 2 * hits / total, error
    return found


def _brier_error(p: Floats, spread: Floats) -> float:
    return math.sqrt(float(((1 - 2 * p) ** 2 * spread).sum())) / len(p)


def _precision(claimed: Flags, real: Flags) -> float:
    return float((claimed & real).sum() / max(1, claimed.sum()))


def _recall(claimed: Flags, real: Flags) -> float:
    return float((claimed & real).sum() / max(1, real.sum()))


def _f1(claimed: Flags, real: Flags) -> float:
    return float(2 * (claimed & real).sum() / max(1, claimed.sum() + real.sum()))
