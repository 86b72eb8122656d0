"""95 % intervals of measures: of a share, and of any statistic of rows."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]

MOST_RESAMPLED: Final = 10_000
Z: Final = 1.959963984540054


def wilson(successes: int, n: int) -> Interval:
    """Return the Wilson interval of a share."""
    share, spread = successes / n, Z**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(statistic: Callable[[NDArray[np.int64]], float], n: int, resamples: int, seed: int = 0) -> Interval:
    """Return the percentile interval of a statistic of resampled row numbers, the same for the same rows.

    Resamples of which the statistic is NaN are left out. Of very many rows the resamples have fewer, and the interval
    is narrowed as its width falls with the root of the rows.
    """
    rng = np.random.default_rng(seed)
    size = min(n, MOST_RESAMPLED)
    drawn = [statistic(rng.integers(n, size=size)) for _ in range(resamples)]
    low, high = map(float, np.nanquantile(drawn, (0.025, 0.975)))
    if size < n:
        whole, narrower = statistic(np.arange(n)), math.sqrt(size / n)
        low, high = whole + (low - whole) * narrower, whole + (high - whole) * narrower
    return low, high
