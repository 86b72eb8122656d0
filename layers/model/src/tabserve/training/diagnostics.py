"""What the pictures of a version show: ROC curve, calibration, confusion, residuals, importance; on held-out rows."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median_low, mode
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.features import DateFeature, Feature, NumberFeature
from tabserve.core.records import Value
from tabserve.core.target import Cost
from tabserve.core.use_case import UseCase
from tabserve.reference.intervals import Z, wilson
from tabserve.registry.version import CalibrationBin, Diagnostics, Metric, ThresholdPoint
from tabserve.training.cells import values
from tabserve.training.dataset import Array, LabelledRows
from tabserve.training.decision import Decide

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Score = Callable[[Mapping[str, Any], int], Floats]
Goodness = Callable[[Floats, Array], float]

ROC_POINTS: Final = 100
CALIBRATION_BINS: Final = 10
RESIDUAL_BINS: Final = 20
MOST_ROWS: Final = 1_000  # of the held-out ones, for importance: each column costs that many scores a shuffle
SHUFFLES: Final = 5
THRESHOLDS: Final = tuple(place / 50 for place in range(1, 50))
MOST_CELLS: Final = 1_000_000_000  # to score for importance: about a minute; above 447 columns there are fewer rows


def diagnose(
    rows: LabelledRows,
    probabilities: Floats,
    positive: int | None,
    decide: Decide,
    effects: Mapping[str, Metric],
    cost: Cost | None = None,
) -> Diagnostics:
    """Describe probabilities of shape (rows, classes) of held-out rows; `positive` is the place of that class, if any.

    The answered probability, which calibration is about, is that of the positive class, or else of the predicted one.
    """
    targets = rows.targets
    predicted = decide(probabilities)
    happened = predicted == targets if positive is None else targets == positive
    answered = probabilities.max(axis=1) if positive is None else probabilities[:, positive]
    return Diagnostics(
        roc=() if positive is None else roc_curve(answered, happened),
        calibration=calibration_bins(answered, happened),
        confusion=confusion(targets, predicted, probabilities.shape[1]),
        importance=effects,
        threshold_curve=() if positive is None else threshold_curve(answered, happened, cost),
    )


def threshold_curve(scores: Floats, positive: NDArray[np.bool_], cost: Cost | None) -> tuple[ThresholdPoint, ...]:
    """Return what each of 49 thresholds would make of rows, of scores and whether they are of the positive class."""
    rows, positives = len(scores), int(positive.sum())
    found = []
    for threshold in THRESHOLDS:
        answered = scores >= threshold
        claimed, true = int(answered.sum()), int((answered & positive).sum())
        false, missed = claimed - true, positives - true
        found.append(
            ThresholdPoint(
                threshold=threshold,
                precision=true / claimed if claimed else None,
                recall=true / positives if positives else None,
                f1=2 * true / (claimed + positives) if claimed and positives else None,
                answered=claimed / rows,
                cost=(cost.false_positive * false + cost.false_negative * missed) / rows if cost else None,
            )
        )
    return tuple(found)


def diagnose_numbers(predicted: Floats, targets: Floats, effects: Mapping[str, Metric]) -> Diagnostics:
    """Describe a regression's predicted numbers of held-out rows."""
    bins = tuple(_mean_bin(predicted[places], targets[places]) for places in _places_by_size(predicted))
    counts, edges = np.histogram(targets - predicted, bins=RESIDUAL_BINS)
    residuals = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return Diagnostics(roc=(), calibration=bins, confusion=(), importance=effects, residuals=tuple(residuals))


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
    return tuple(_bin(answered[places], happened[places]) for places in _places_by_size(answered))


def _places_by_size(answered: Floats) -> list[Places]:
    order = np.argsort(answered, kind="stable")
    return [places for places in np.array_split(order, min(CALIBRATION_BINS, len(order))) if len(places)]


def _mean_bin(predicted: Floats, targets: Floats) -> CalibrationBin:
    mean, rows = float(targets.mean()), len(targets)
    half = Z * float(targets.std(ddof=1)) / math.sqrt(rows) if rows > 1 else 0.0
    return CalibrationBin(answered=float(predicted.mean()), happened=mean, low=mean - half, high=mean + half, rows=rows)


def _bin(answered: Floats, happened: NDArray[np.bool_]) -> CalibrationBin:
    count, rows = int(happened.sum()), len(happened)
    low, high = wilson(count, rows)
    return CalibrationBin(answered=float(answered.mean()), happened=count / rows, low=low, high=high, rows=rows)


def confusion(targets: Places, predicted: Places, classes: int) -> tuple[tuple[int, ...], ...]:
    """Count rows by true class (outer) and predicted class (inner), in the use case's order."""
    counts = np.bincount(targets * classes + predicted, minlength=classes * classes)
    return tuple(tuple(line) for line in counts.reshape(classes, classes).tolist())


def typical(use_case: UseCase, columns: Mapping[str, Array]) -> dict[str, str | bool | int | float]:
    """Return by the record's column a value that stands for the others: the lower median, or the most frequent one.

    Numbers and dates have a median. Fractions are short, so that people can read them. A column without any value has
    none.
    """
    found = {each.name: _typical(each, values(each, columns[each.name])) for each in use_case.features}
    return {name: value for name, value in found.items() if value is not None}


def _typical(feature: Feature, column: Sequence[Value]) -> Value:
    known = [value for value in column if value is not None]
    if not known:
        return None
    match feature:
        case NumberFeature():
            return _median(feature, known)
        case DateFeature():
            return median_low(map(str, known))
    return mode(known)


def _median(feature: NumberFeature, known: Sequence[Value]) -> float:
    numbers: Sequence[float] = known  # type: ignore[assignment]
    median = median_low(map(float, numbers))
    short = median if median.is_integer() else float(f"{median:.4g}")
    return short if feature.minimum <= short <= feature.maximum else median


def importance(
    names: Sequence[str], rows: LabelledRows, score: Score, goodness: Goodness, seed: int
) -> dict[str, Metric]:
    """Return by how much answers get worse when one of the model's columns is shuffled: mean and extremes of 5 times.

    `goodness` takes answers and targets, both with a row each. Of many held-out rows 1 000, evenly spread, are enough.
    """
    most = min(MOST_ROWS, max(1, MOST_CELLS // (SHUFFLES * len(names) ** 2)))
    few = rows.take(range(0, len(rows), -(-len(rows) // most)))
    count, copies = len(few), few.take([*range(len(few))] * SHUFFLES)  # a call costs more than a row
    whole = goodness(score(few.columns, count), few.targets)
    generator = np.random.default_rng(seed)
    found: dict[str, Metric] = {}
    for name in names:
        shuffled = np.concatenate([few.columns[name][generator.permutation(count)] for _ in range(SHUFFLES)])
        answers = score({**copies.columns, name: shuffled}, len(copies)).reshape(SHUFFLES, count, -1)
        lost = [whole - goodness(each, few.targets) for each in answers]
        found[name] = Metric(value=float(np.mean(lost)), low=float(min(lost)), high=float(max(lost)))
    return found
