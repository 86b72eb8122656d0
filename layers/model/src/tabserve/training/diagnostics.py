"""What the pictures of a version show: ROC curve, calibration, confusion and importance on the held-out rows."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median_low, mode
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.features import NumberFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.reference.intervals import wilson
from tabserve.registry.version import CalibrationBin, Diagnostics, Metric
from tabserve.training.dataset import LabelledRows

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Score = Callable[[Mapping[str, Sequence[Value]], int], Floats]

ROC_POINTS: Final = 100
CALIBRATION_BINS: Final = 10
MOST_ROWS: Final = 1_000  # of the held-out ones, for importance: each column costs that many scores a shuffle
SHUFFLES: Final = 5
MOST_CELLS: Final = 1_000_000_000  # to score for importance: about a minute; above 447 columns there are fewer rows


def diagnose(rows: LabelledRows, probabilities: Floats, positive: int | None, score: Score, seed: int) -> Diagnostics:
    """Describe probabilities of shape (rows, classes) of held-out rows; `positive` is the place of that class, if any.

    The answered probability, which calibration is about, is that of the positive class, or else of the predicted one.
    """
    targets = np.array(rows.targets)
    predicted = probabilities.argmax(axis=1)
    happened = predicted == targets if positive is None else targets == positive
    answered = probabilities.max(axis=1) if positive is None else probabilities[:, positive]
    return Diagnostics(
        roc=() if positive is None else roc_curve(answered, happened),
        calibration=calibration_bins(answered, happened),
        confusion=confusion(targets, predicted, probabilities.shape[1]),
        importance=importance(rows, score, seed),
    )


def roc_curve(scores: Floats, positive: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Return at most 100 pairs of false and true positive rate, from (0, 0) to (1, 1); none where a class is absent."""
    if positive.all() or not positive.any():
        return ()
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # rows of one score are accepted together
    true = np.concatenate(([0], np.cumsum(positive[order])[ends])) / positive.sum()
    false = np.concatenate(([0], np.cumsum(~positive[order])[ends])) / (~positive).sum()
    kept = np.unique(np.linspace(0, len(true) - 1, min(len(true), ROC_POINTS)).round().astype(int))
    return tuple(zip(false[kept].round(4).tolist(), true[kept].round(4).tolist(), strict=True))


def calibration_bins(answered: Floats, happened: NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    """Compare the mean answered probability with what happened, in at most ten bins of about as many rows each."""
    order = np.argsort(answered, kind="stable")
    bins = [places for places in np.array_split(order, min(CALIBRATION_BINS, len(order))) if len(places)]
    return tuple(_bin(answered[places], happened[places]) for places in bins)


def _bin(answered: Floats, happened: NDArray[np.bool_]) -> CalibrationBin:
    count, rows = int(happened.sum()), len(happened)
    low, high = wilson(count, rows)
    return CalibrationBin(answered=float(answered.mean()), happened=count / rows, low=low, high=high, rows=rows)


def confusion(targets: Places, predicted: Places, classes: int) -> tuple[tuple[int, ...], ...]:
    """Count rows by true class (outer) and predicted class (inner), in the use case's order."""
    counts = np.bincount(targets * classes + predicted, minlength=classes * classes)
    return tuple(tuple(line) for line in counts.reshape(classes, classes).tolist())


def typical(use_case: UseCase, columns: Mapping[str, Sequence[Value]]) -> dict[str, str | int | float]:
    """Return by column a value that stands for the others: the lower median of numbers, the most frequent category.

    Fractions are short, so that people can read them. A column without any value has none.
    """
    known = {name: [value for value in values if value is not None] for name, values in columns.items()}
    return {
        each.name: _median(each, values) if isinstance(each, NumberFeature) else mode(values)
        for each in use_case.features
        if (values := known[each.name])
    }


def _median(feature: NumberFeature, values: Sequence[str | int | float]) -> float:
    median = median_low(map(float, values))
    short = median if median.is_integer() else float(f"{median:.4g}")
    return short if feature.minimum <= short <= feature.maximum else median


def importance(rows: LabelledRows, score: Score, seed: int) -> dict[str, Metric]:
    """Return by how much accuracy, from 0 to 1, falls when a column is shuffled: the mean and the extremes of 5 times.

    Of many held-out rows 1 000, evenly spread, are enough.
    """
    most = min(MOST_ROWS, max(1, MOST_CELLS // (SHUFFLES * len(rows.columns) ** 2)))
    few = rows.take(range(0, len(rows), -(-len(rows) // most)))
    targets, count = np.array(few.targets), len(few)
    whole = float(np.mean(score(few.columns, count).argmax(axis=1) == targets))
    copies = few.take([*range(count)] * SHUFFLES)  # all shuffles of a column in one call: a call costs more than a row
    generator = np.random.default_rng(seed)
    found: dict[str, Metric] = {}
    for name, values in few.columns.items():
        shuffled = [values[place] for _ in range(SHUFFLES) for place in generator.permutation(count).tolist()]
        classes = score({**copies.columns, name: shuffled}, len(copies)).argmax(axis=1)
        lost = whole - (classes.reshape(SHUFFLES, count) == targets).mean(axis=1)
        found[name] = Metric(value=float(lost.mean()), low=float(lost.min()), high=float(lost.max()))
    return found
