"""Drift: how a window's columns differ from the reference, and whether that is worth an alarm.

A p-value says whether a difference is more than chance, an effect size whether it is more than nothing; a state needs
both. SciPy computes the distributions; it comes with the functions that import this module, not with `predict`.
"""

from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc
from scipy.stats import distributions, false_discovery_control, fisher_exact

from tabserve.core.limits import DriftLimits
from tabserve.reference.profile import ColumnProfile, NumericProfile, Profile

State = Literal["insufficient", "ok", "warning", "alarm", "severe"]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

ENOUGH_ROWS = 50
ENOUGH_TO_ALARM = 100
WARNING_RATE = 0.05
ALARM_RATE = 0.01
SMALLEST_EXPECTED = 5
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
    """Compare one column: its values, and which of them are missing, as two questions with an effect each."""
    expected, found = reference.bins(), window.bins()
    values, gone = _values_and_missing(expected), _values_and_missing(found)
    effect = max(excess_psi(expected[:-1], found[:-1]), excess_psi(values, gone))
    if isinstance(reference, NumericProfile) and isinstance(window, NumericProfile):
        distance, p_values = kolmogorov_smirnov(reference, window)
        of_values = "ks", distance, p_values
    else:
        of_values = independence(expected[:-1], found[:-1])
    method, statistic, p_missing = independence(values, gone)
    smaller = min(of_values, (f"{method} (missing)", statistic, p_missing), key=itemgetter(2))
    return Difference(*smaller[:2], min(1.0, 2 * smaller[2]), effect)


def kolmogorov_smirnov(reference: NumericProfile, window: NumericProfile) -> tuple[float, float]:
    """Return the distance of two distributions and its asymptotic p-value, 1 where one of them is empty."""
    m, n = reference.present, window.present
    if not m or not n:
        return 0.0, 1.0
    values = np.concatenate((reference.values, window.values))
    distance = float(np.abs(_cumulative(reference, values) - _cumulative(window, values)).max())
    return distance, _ks_p_value(distance, round(m * n / (m + n)))


def independence(first: Counts, second: Counts) -> tuple[str, float, float]:
    """Return the method, Pearson's statistic and the p-value of two rows of counts, without continuity correction.

    Chi² needs 5 expected rows in every cell, so rarer levels are pooled, the less rare ones first, until 5 are
    expected of each pool. Of the rarest, too few even together, Fisher's exact test tells whether there are more or
    fewer of them; then there are two questions, and the smaller p-value is doubled.
    """
    table = np.stack((first, second))[:, first + second > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return "chi2", 0.0, 1.0
    pools, rest = _pooled(table)
    if pools.shape[1] + rest.any() < 2:
        pools, rest = _most_frequent(table)
    if not rest.any():
        return "chi2", *_chi2(pools)
    two = np.column_stack((pools.sum(axis=1), rest))
    fisher = "fisher", _chi2(two)[0], float(fisher_exact(two).pvalue)
    if pools.shape[1] < 2:
        return fisher
    method, statistic, p_value = min(fisher, ("chi2", *_chi2(pools)), key=itemgetter(2))
    return method, statistic, min(1.0, 2 * p_value)


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


def _values_and_missing(bins: Counts) -> Counts:
    return np.array([bins[:-1].sum(), bins[-1]])


def _pooled(table: Counts) -> tuple[Counts, Counts]:
    """Return the levels or pools of them of which 5 rows are expected in both rows, and the counts of the rarest."""
    columns, rows = table.sum(axis=0), table.sum(axis=1)
    needed = SMALLEST_EXPECTED * columns.sum() / rows.min()
    frequent = columns >= needed
    pools, rest = [table[:, frequent]], np.zeros(2, dtype=np.int64)
    rare = table[:, ~frequent]
    for level in np.argsort(-columns[~frequent], kind="stable"):
        rest = rest + rare[:, level]
        if rest.sum() >= needed:
            pools.append(rest[:, np.newaxis])
            rest = np.zeros(2, dtype=np.int64)
    return np.hstack(pools), rest


def _most_frequent(table: Counts) -> tuple[Counts, Counts]:
    chosen = table[:, [table.sum(axis=0).argmax()]]
    return chosen, table.sum(axis=1) - chosen[:, 0]


def _chi2(table: Counts) -> tuple[float, float]:
    """Return Pearson's statistic of a table of two rows and its p-value."""
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, float(chdtrc(table.shape[1] - 1, statistic))


def _cumulative(profile: NumericProfile, values: Floats) -> Floats:
    below = np.concatenate(([0], np.cumsum(profile.weights)))
    shares: Floats = below[np.searchsorted(profile.values, values, side="right")] / below[-1]
    return shares


@lru_cache(maxsize=65_536)
def _ks_p_value(distance: float, rows: int) -> float:
    return float(np.clip(distributions.kstwo.sf(distance, rows), 0, 1)) if rows else 1.0
