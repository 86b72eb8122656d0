"""How good a classifier's probabilities are, each measure with its 95 % interval."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import AcceptanceError
from tabserve.core.use_case import MetricName
from tabserve.reference.intervals import bootstrap, wilson
from tabserve.registry.version import Metric

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Measure = Callable[[Floats, Places], float]

RESAMPLES: Final = 1_000
SMALLEST: Final = 1e-15
LOWER_IS_BETTER: Final = frozenset({"brier", "log_loss"})


def evaluate(probabilities: Floats, targets: Places, seed: int) -> dict[MetricName, Metric]:
    """Measure probabilities of shape (rows, classes) against the classes' places."""
    accuracy = float(np.mean(probabilities.argmax(axis=1) == targets))
    low, high = wilson(round(accuracy * len(targets)), len(targets))
    measures: dict[MetricName, Measure] = {"roc_auc": roc_auc, "brier": brier, "log_loss": log_loss}
    resampled = {name: _resampled(measure, probabilities, targets, seed) for name, measure in measures.items()}
    return {"accuracy": Metric(value=accuracy, low=low, high=high), **resampled}


def _resampled(measure: Measure, probabilities: Floats, targets: Places, seed: int) -> Metric:
    low, high = bootstrap(lambda rows: measure(probabilities[rows], targets[rows]), len(targets), RESAMPLES, seed)
    return Metric(value=measure(probabilities, targets), low=low, high=high)


def roc_auc(probabilities: Floats, targets: Places) -> float:
    """Return the area under the ROC curve; of more than two classes, the mean of each against the rest."""
    classes = range(1, 2) if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = [_area(probabilities[:, place], targets == place) for place in classes]
    return float(np.mean(areas))


def brier(probabilities: Floats, targets: Places) -> float:
    """Return the mean squared error of the probabilities, summed over classes, halved for two."""
    actual = np.eye(probabilities.shape[1])[targets]
    total = float(np.mean(np.sum((probabilities - actual) ** 2, axis=1)))
    return total / 2 if probabilities.shape[1] == 2 else total


def log_loss(probabilities: Floats, targets: Places) -> float:
    """Return the mean negative logarithm of what the true classes were given."""
    given = probabilities[np.arange(len(targets)), targets]
    return float(-np.mean(np.log(np.clip(given, SMALLEST, 1.0))))


def require_accepted(metrics: Mapping[MetricName, Metric], limits: Mapping[MetricName, float]) -> None:
    """Raise AcceptanceError naming the limits that are missed."""
    missed = []
    for name, limit in limits.items():
        value = metrics[name].value
        if not (value <= limit if name in LOWER_IS_BETTER else value >= limit):
            relation = "at most" if name in LOWER_IS_BETTER else "at least"
            missed.append(f"{name} is {value:.4f}, must be {relation} {limit:g}")
    if missed:
        raise AcceptanceError(f"Not registered: on the held-out rows {'; '.join(missed)}.")


def _area(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Return the share of (positive, other) pairs in the right order, ties counting half; NaN without pairs."""
    ordered = np.sort(scores[~positive])
    positives, others = scores[positive], len(ordered)
    if not len(positives) or not others:
        return math.nan
    below = np.searchsorted(ordered, positives, "left").sum() + np.searchsorted(ordered, positives, "right").sum()
    return float(below) / (2 * len(positives) * others)
