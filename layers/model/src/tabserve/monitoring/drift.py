"""Drift: how a window's columns differ from the reference, and whether that is worth an alarm.

A p-value says whether a difference is more than chance, an effect size whether it is more than nothing; a state needs
both. SciPy computes the distributions; it comes with the functions that import this module, not with `predict`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc
from scipy.stats import distributions, false_discovery_control

from tabserve.core.use_case import DriftLimits
from tabserve.reference.profile import ColumnProfile, NumericProfile, Profile

State = Literal["insufficient", "ok", "warning", "alarm", "severe"]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

ENOUGH_ROWS = 50
ENOUGH_TO_ALARM = 100
WARNING_RATE = 0.05
ALARM_RATE = 0.01
SMALLEST_EXPECTED = 5
PERMUTATIONS = 1_999
FIRST_LOOK = 199
UNREMARKABLE = 40
SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class Difference:
    """How one column of a window differs from the reference; `method` names the test with the smallest p-value."""

    method: str
    statistic: float
    p_value: float
    effect: float


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """What one column of one window says; `q_value` is its p-value corrected for the number of columns."""

    column: str
    n: int
    difference: Difference
    q_value: float
    state: State


def compare(reference: Profile, window: Profile, limits: DriftLimits) -> list[ColumnDrift]:
    """Compare every column of a window with the reference and decide on all of them together."""
    differences = {name: difference(own, window.columns[name]) for name, own in reference.columns.items()}
    q_values = false_discovery_control([found.p_value for found in differences.values()]).tolist()
    return [
        ColumnDrift(name, window.rows, found, q_value, state(window.rows, q_value, found.effect, limits))
        for (name, found), q_value in zip(differences.items(), q_values, strict=True)
    ]


def state(n: int, q_value: float, effect: float, limits: DriftLimits) -> State:
    """Decide on one column: chance must be excluded and the effect large enough."""
    if n < ENOUGH_ROWS:
        return "insufficient"
    if q_value < ALARM_RATE and effect >= limits.alarm and n >= ENOUGH_TO_ALARM:
        return "severe" if effect >= limits.severe else "alarm"
    return "warning" if q_value < WARNING_RATE and effect >= limits.warning else "ok"


def difference(reference: ColumnProfile, window: ColumnProfile) -> Difference:
    """Compare one column: its values, which of them are missing, and by how much its bins moved."""
    expected, found = reference.bins(), window.bins()
    effect = excess_psi(expected, found)
    if not (isinstance(reference, NumericProfile) and isinstance(window, NumericProfile)):
        method, statistic, p_value = independence(expected, found)
        return Difference(method, statistic, p_value, effect)
    distance, p_values = kolmogorov_smirnov(reference, window)
    method, statistic, p_missing = independence(
        np.array([reference.present, reference.missing]), np.array([window.present, window.missing])
    )
    if p_values <= p_missing:
        return Difference("ks", distance, min(1.0, 2 * p_values), effect)
    return Difference(f"{method} (missing)", statistic, min(1.0, 2 * p_missing), effect)


def kolmogorov_smirnov(reference: NumericProfile, window: NumericProfile) -> tuple[float, float]:
    """Return the distance of two distributions and its asymptotic p-value, 1 where one of them is empty."""
    m, n = reference.present, window.present
    if not m or not n:
        return 0.0, 1.0
    values = np.concatenate((reference.values, window.values))
    distance = float(np.abs(_cumulative(reference, values) - _cumulative(window, values)).max())
    return distance, _ks_p_value(distance, round(m * n / (m + n)))


def independence(first: Counts, second: Counts) -> tuple[str, float, float]:
    """Return the method, Pearson's statistic and the p-value of two rows of counts, without continuity correction."""
    table = np.stack((first, second))[:, first + second > 0]
    rows = table.sum(axis=1)
    if table.shape[1] < 2 or not rows.all():
        return "chi2", 0.0, 1.0
    expected = np.outer(rows, table.sum(axis=0)) / rows.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    if expected.min() >= SMALLEST_EXPECTED:
        return "chi2", statistic, float(chdtrc(table.shape[1] - 1, statistic))
    return "permutation", statistic, permutation_p_value(tuple(table[0].tolist()), tuple(table[1].tolist()))


@lru_cache(maxsize=4_096)
def permutation_p_value(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """Return how often shuffled rows give a Pearson statistic as large; the same table always has the same answer.

    A first look at few shuffles ends the test where nothing is special about the table.
    """
    columns = np.add(first, second)
    rows = sum(second)
    share = rows / columns.sum()
    weights = 1 / (columns * share) + 1 / (columns * (1 - share))
    found = ((np.asarray(second) - columns * share) ** 2 * weights).sum()
    rng = np.random.default_rng(0)
    as_large = drawn = 0
    for more in (FIRST_LOOK, PERMUTATIONS - FIRST_LOOK):
        shuffled = rng.multivariate_hypergeometric(columns, rows, more)
        as_large += int(((shuffled - columns * share) ** 2 @ weights >= found * (1 - 1e-9)).sum())
        drawn += more
        if as_large >= UNREMARKABLE:
            break
    return (1 + as_large) / (1 + drawn)


def excess_psi(reference: Counts, window: Counts) -> float:
    """Return the population stability index beyond what chance alone makes of it, at least 0."""
    used = reference + window > 0
    m, n, bins = int(reference.sum()), int(window.sum()), int(used.sum())
    if not m or not n or bins < 2:
        return 0.0
    p = (reference[used] + SMOOTHING) / (m + SMOOTHING * bins)
    q = (window[used] + SMOOTHING) / (n + SMOOTHING * bins)
    return max(0.0, float((q - p) @ np.log(q / p)) - (bins - 1) * (1 / n + 1 / m))


def single_class(reference: Counts, window: Counts, chance: float = 1e-3) -> bool:
    """Return whether all predictions are of one class, given rows by class, where that is a rare accident."""
    rows = int(window.sum())
    if rows < ENOUGH_ROWS or (window > 0).sum() != 1:
        return False
    share = float(reference[window > 0][0] / max(1, reference.sum()))
    return share**rows < chance


def _cumulative(profile: NumericProfile, values: Floats) -> Floats:
    below = np.concatenate(([0], np.cumsum(profile.weights)))
    shares: Floats = below[np.searchsorted(profile.values, values, side="right")] / below[-1]
    return shares


@lru_cache(maxsize=65_536)
def _ks_p_value(distance: float, rows: int) -> float:
    return float(np.clip(distributions.kstwo.sf(distance, rows), 0, 1)) if rows else 1.0
