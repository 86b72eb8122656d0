"""Calibration: what a model's probabilities are worth, learned from rows whose ground truth is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ERROR_BINS = 10
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising function from probability to observed frequency, linear between its knots; none at all is identity."""

    probabilities: tuple[float, ...] = ()
    frequencies: tuple[float, ...] = ()

    @classmethod
    def of(cls, probabilities: Sequence[float], happened: Sequence[bool]) -> Self:
        """Learn from probabilities and whether what they stand for happened; stay identity where that is no worse."""
        p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(happened, dtype=np.float64)
        return cls.isotonic(p, y) if _improves(p, y) else cls()

    @classmethod
    def isotonic(cls, probabilities: Floats, happened: Floats) -> Self:
        """Fit the rising step function with the least squared error; only training does, which has SciPy."""
        from scipy.optimize import isotonic_regression

        xs, index, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
        means = np.bincount(index, weights=happened) / counts
        fitted = isotonic_regression(means, weights=counts).x
        ends = np.flatnonzero(np.diff(fitted, prepend=np.nan, append=np.nan) != 0)
        knots = np.unique(np.concatenate((ends[:-1], ends[1:] - 1)))
        return cls(tuple(xs[knots].tolist()), tuple(fitted[knots].tolist()))

    def __call__(self, probabilities: Floats) -> Floats:
        """Turn probabilities into observed frequencies."""
        if not self.probabilities:
            return probabilities
        return np.interp(probabilities, self.probabilities, self.frequencies)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"probabilities": list(self.probabilities), "frequencies": list(self.frequencies)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned."""
        return cls(tuple(data["probabilities"]), tuple(data["frequencies"]))


def calibration_error(probabilities: Floats, happened: Floats) -> float:
    """Return the mean distance of probability and observed frequency over bins of as many rows each."""
    order = np.argsort(probabilities, kind="stable")
    bins = np.array_split(order, min(ERROR_BINS, len(order)))
    return float(sum(abs(probabilities[rows].sum() - happened[rows].sum()) for rows in bins) / len(order))


def _improves(probabilities: Floats, happened: Floats) -> bool:
    """Return whether isotonic calibration lowers the error on rows it has not seen."""
    if len(np.unique(happened)) < 2 or len(happened) < 2 * ERROR_BINS * FOLDS:
        return False
    fold = np.arange(len(happened)) % FOLDS
    calibrated = np.empty_like(probabilities)
    for number in range(FOLDS):
        seen = fold != number
        calibrated[~seen] = Calibration.isotonic(probabilities[seen], happened[seen])(probabilities[~seen])
    return calibration_error(calibrated, happened) < calibration_error(probabilities, happened)
