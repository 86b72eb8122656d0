"""How good a model's answers are, each measure with its 95 % interval."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import AcceptanceError
from tabserve.core.target import Decision
from tabserve.core.training import MetricName
from tabserve.core.use_case import UseCase
from tabserve.reference.intervals import bootstrap, wilson
from tabserve.reference.performance import NUMBER_MEASURES, Numbers
from tabserve.registry.version import Metric
from tabserve.training.decision import Decide, decider, likelier

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Measure = Callable[[Floats, Places], float]

RESAMPLES: Final = 1_000
SMALLEST: Final = 1e-15
LOWER_IS_BETTER: Final = frozenset({"brier", "log_loss", "mae", "rmse", "median_absolute_error"})


def evaluate(probabilities: Floats, targets: Places, seed: int, decide: Decide = likelier) -> dict[MetricName, Metric]:
    """Measure probabilities of shape (rows, classes) against the classes' places."""
    accuracy = float(np.mean(decide(probabilities) == targets))
    low, high = wilson(round(accuracy * len(targets)), len(targets))
    resampled = {name: _resampled(measure, probabilities, targets, seed) for name, measure in MEASURES.items()}
    return {"accuracy": Metric(value=accuracy, low=low, high=high), **resampled}


def points(probabilities: Floats, targets: Places, decide: Decide) -> dict[str, float]:
    """Return the same measures without intervals."""
    found: dict[str, float] = {name: measure(probabilities, targets) for name, measure in MEASURES.items()}
    return {"accuracy": float(np.mean(decide(probabilities) == targets)), **found}


def measured(use_case: UseCase, answers: Floats, targets: NDArray[Any]) -> dict[str, float]:
    """Return what answers of a model are worth before anything is chosen for it: no threshold, no interval."""
    if use_case.is_regression:
        return {name: of(answers[:, 0], targets) for name, of in NUMBER_MEASURES.items()}
    decision = use_case.decision
    threshold = decision.threshold if isinstance(decision, Decision) else None
    return points(answers, targets, decider(use_case.target.positive_index, threshold))


def points_of_numbers(answers: Numbers, targets: Floats) -> dict[str, float]:
    """Return a regression's measures without intervals."""
    found = {name: of(answers.values, targets) for name, of in NUMBER_MEASURES.items()}
    return {**found, "coverage": float(answers.holds(targets).mean())}


def evaluate_numbers(answers: Numbers, targets: Floats, seed: int) -> dict[MetricName, Metric]:
    """Measure a regression's answers against the true numbers."""
    found: dict[MetricName, Metric] = {}
    for name, of in NUMBER_MEASURES.items():
        low, high = bootstrap(
            lambda rows, of=of: of(answers.values[rows], targets[rows]),  # type: ignore[misc]
            len(targets),
            RESAMPLES,
            seed,
        )
        found[name] = Metric(value=of(answers.values, targets), low=low, high=high)  # type: ignore[index]
    held = int(answers.holds(targets).sum())
    low, high = wilson(held, len(targets))
    return {**found, "coverage": Metric(value=held / len(targets), low=low, high=high)}


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
    if unknown := limits.keys() - metrics.keys():
        raise AcceptanceError(f"`acceptance` names {min(unknown)}; this model is measured by {', '.join(metrics)}.")
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


MEASURES: Final[Mapping[MetricName, Measure]] = {"roc_auc": roc_auc, "brier": brier, "log_loss": log_loss}
