"""Performance of answered predictions where the ground truth is not known, and from where on it is worth an alarm.

Estimates are confidence based (CBPE): a calibrated probability says how likely each answer is right, so it says how
many of a window's answers are expected to be.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.use_case import UseCase
from tabserve.reference.calibration import Calibration
from tabserve.reference.intervals import Z
from tabserve.reference.performance import LOWER_IS_BETTER, Answers, Measure
from tabserve.reference.profile import PREDICTION, PROBABILITY, NumericProfile, Profile

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COVERAGE: Final = "coverage"
IN_UNITS: Final = frozenset({"mae", "rmse", "median_absolute_error"})
OF_90_PERCENT: Final = 1.6448536269514722 / Z  # how far a 90 % interval reaches of a 95 % one


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


def with_limits(use_case: UseCase, measures: Iterable[Measure], held_out: Mapping[str, Measure]) -> list[Measure]:
    """Give measures the limits an alert on them asks for; `held_out` is the version's own performance, by metric."""
    return [replace(each, alarm_limit=alarm_limit(use_case, each.metric, held_out)) for each in measures]


def alarm_limit(use_case: UseCase, metric: str, held_out: Mapping[str, Measure]) -> float | None:
    """Return the worst value of a metric that is still all right; None where nothing says so.

    It is the acceptance limit of the definition, or the version's own figure on its held-out rows less the definition's
    margin or, if that is farther away, the end of the figure's 90 % interval: other held-out rows would have moved it.
    The stricter of both counts. Of an error in the target's unit the margin is a share of the figure. Intervals should
    hold their share of the true numbers, less what held-out rows leave open.
    """
    limits = list(_acceptance(use_case, metric))
    worse = -1 if metric not in LOWER_IS_BETTER else 1
    if (own := held_out.get(metric)) is not None:
        reach = (own.value - own.low if worse < 0 else own.high - own.value) * OF_90_PERCENT
        margin = use_case.monitoring.performance.margin * (own.value if metric in IN_UNITS else 1)
        if metric == COVERAGE:
            limits.append(use_case.training.interval - reach)
        else:
            limits.append(own.value + worse * max(margin, reach))
    return (max if worse < 0 else min)(limits, default=None)


def _acceptance(use_case: UseCase, metric: str) -> Iterator[float]:
    """Yield the acceptance limit of a metric; with more than two classes the Brier score of training is another one."""
    comparable = metric != "brier" or use_case.target.positive_class is not None
    yield from (limit for name, limit in use_case.training.acceptance.items() if comparable and name == metric)


def mean_answer(reference: Profile, window: Profile) -> list[Measure]:
    """Return a window's mean probability or predicted number, and the band it lies in when nothing changed (95 %)."""
    column = PROBABILITY if PROBABILITY in reference.columns else PREDICTION
    known, found = reference.columns[column], window.columns[column]
    if not isinstance(known, NumericProfile) or not isinstance(found, NumericProfile):
        return []
    if known.mean is None or found.mean is None:
        return []
    variance = float((known.values - known.mean) ** 2 @ known.weights / known.weights.sum())
    margin = Z * math.sqrt(variance * (1 / found.present + 1 / known.present))
    low, high = known.mean - margin, known.mean + margin
    if column == PROBABILITY:
        return [Measure("mean_probability", found.mean, max(0.0, low), min(1.0, high), found.present, "measured")]
    return [Measure("mean_prediction", found.mean, low, high, found.present, "measured")]


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
