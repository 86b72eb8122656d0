"""What training does otherwise for classes than for numbers: decide or put intervals around, measure, describe."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import TrainingDataError
from tabserve.core.records import Value
from tabserve.core.target import Decision
from tabserve.core.training import MetricName
from tabserve.core.use_case import UseCase
from tabserve.reference.performance import Numbers
from tabserve.reference.reference import Reference
from tabserve.registry.version import Diagnostics, Interval, Metric, Parity
from tabserve.training.dataset import LabelledRows
from tabserve.training.decision import best_threshold, decider, is_chosen
from tabserve.training.diagnostics import Score, diagnose, diagnose_numbers, importance
from tabserve.training.evaluation import evaluate, evaluate_numbers, points, points_of_numbers
from tabserve.training.folds import FOLDS, Fit, out_of_fold
from tabserve.training.parity import compare, compare_values
from tabserve.training.vocabulary import Vocabulary

Floats = NDArray[np.float64]
ENOUGH_SCORES: Final = 20_000
ENOUGH_RESIDUALS: Final = 4_000


class Classes:
    """Classes by their probabilities, of shape (rows, classes)."""

    answers: Final = "probabilities"
    interval: Final = None

    def __init__(self, use_case: UseCase, threshold: float | None) -> None:
        self._use_case = use_case
        self._positive = use_case.target.positive_index
        self.threshold = threshold
        self.decide = decider(self._positive, threshold)

    def compare(self, original: Floats, exported: Floats) -> Parity:
        """Compare the answers of two models to the same rows."""
        return compare(original, exported, self.decide)

    def measures(self, answers: Floats, targets: NDArray[np.intp]) -> dict[MetricName, Metric]:
        """Measure answers to rows whose classes are known."""
        return evaluate(answers, targets, self._use_case.training.random_state, self.decide)

    def points(self, answers: Floats, targets: NDArray[np.intp]) -> dict[str, float]:
        """Return the same measures without intervals."""
        return points(answers, targets, self.decide)

    def reference(
        self, rows: LabelledRows, columns: Mapping[str, Sequence[Value]], answers: Floats, vocabulary: Vocabulary
    ) -> Reference:
        """Return what monitoring compares with."""
        texts, positive = self._use_case.target.texts, self._positive
        answered = answers.max(axis=1) if positive is None else answers[:, positive]
        predicted = [texts[place] for place in self.decide(answers)]
        actuals = [texts[place] for place in rows.targets]
        return Reference.of(self._use_case, columns, predicted, answered.tolist(), actuals, vocabulary)

    def diagnose(self, rows: LabelledRows, answers: Floats, score: Score) -> Diagnostics:
        """Return what the pictures show."""

        def accuracy(given: Floats, targets: NDArray[Any]) -> float:
            return float(np.mean(self.decide(given) == targets))

        seed = self._use_case.training.random_state
        effects = importance(self._use_case.input_names, rows, score, accuracy, seed)
        decision = self._use_case.decision
        cost = decision.cost if isinstance(decision, Decision) else None
        return diagnose(rows, answers, self._positive, self.decide, effects, cost)


class Quantity:
    """A number and the interval around it; answers have the shape (rows, 1)."""

    answers: Final = "values"
    threshold: Final = None

    def __init__(self, use_case: UseCase, interval: Interval) -> None:
        self._use_case = use_case
        self.interval = interval

    def compare(self, original: Floats, exported: Floats) -> Parity:
        """Compare the answers of two models to the same rows."""
        return compare_values(original, exported)

    def measures(self, answers: Floats, targets: Floats) -> dict[MetricName, Metric]:
        """Measure answers to rows whose true numbers are known."""
        return evaluate_numbers(self._numbers(answers), targets, self._use_case.training.random_state)

    def points(self, answers: Floats, targets: Floats) -> dict[str, float]:
        """Return the same measures without intervals."""
        return points_of_numbers(self._numbers(answers), targets)

    def reference(
        self, rows: LabelledRows, columns: Mapping[str, Sequence[Value]], answers: Floats, vocabulary: Vocabulary
    ) -> Reference:
        """Return what monitoring compares with."""
        numbers = self._numbers(answers)
        return Reference.of_numbers(self._use_case, columns, numbers, rows.targets.tolist(), vocabulary)

    def diagnose(self, rows: LabelledRows, answers: Floats, score: Score) -> Diagnostics:
        """Return what the pictures show."""

        def closeness(given: Floats, targets: NDArray[Any]) -> float:
            return -float(np.abs(given[:, 0] - targets).mean())

        seed = self._use_case.training.random_state
        effects = importance(self._use_case.input_names, rows, score, closeness, seed)
        return diagnose_numbers(answers[:, 0], rows.targets, effects)

    def _numbers(self, answers: Floats) -> Numbers:
        return Numbers.of(self._use_case, answers[:, 0], self.interval.half_width)


Task = Classes | Quantity


def task(use_case: UseCase, rows: LabelledRows, fit: Fit, progress: Callable[[str], None]) -> Task:
    """Return the task of a use case, with what is chosen by cross-validation inside the rows to learn from.

    Raise TrainingDataError when they are too few for that.
    """
    if use_case.is_regression:
        progress("cross-validating for the interval")
        return Quantity(use_case, conformal_interval(use_case, rows, fit))
    decision = use_case.decision
    if is_chosen(use_case):
        progress("cross-validating for the threshold")
        return Classes(use_case, chosen_threshold(use_case, rows, fit))
    return Classes(use_case, decision.threshold if isinstance(decision, Decision) else None)


def conformal_interval(use_case: UseCase, rows: LabelledRows, fit: Fit) -> Interval:
    """Return the interval that holds its share of the residuals of rows that were not learned from.

    Of n residuals it is the ceil((n + 1) * share)-th smallest: the correction of split conformal prediction.
    """
    answers, places = out_of_fold(use_case, rows, fit, ENOUGH_RESIDUALS)
    residuals = np.sort(np.abs(answers[:, 0] - rows.targets[places]))
    share = use_case.training.interval
    rank = min(math.ceil((len(residuals) + 1) * share), len(residuals))
    return Interval(share=share, half_width=float(residuals[rank - 1]))


def chosen_threshold(use_case: UseCase, rows: LabelledRows, fit: Fit) -> float:
    """Return the threshold that the decision asks for; raise TrainingDataError where a class has too few rows."""
    fewest = int(np.bincount(rows.targets, minlength=2).min())
    if fewest < FOLDS:
        raise TrainingDataError(
            f"{use_case.name}: a threshold is chosen in {FOLDS} folds, and a class of {use_case.target.name!r} has "
            f"only {fewest} rows to learn from; give `decision: {{threshold: …}}` or more rows."
        )
    answers, places = out_of_fold(use_case, rows, fit, ENOUGH_SCORES)
    positive = use_case.target.positive_index
    assert use_case.decision is not None  # noqa: S101  for the types
    assert positive is not None  # noqa: S101
    return best_threshold(use_case.decision, answers[:, positive], rows.targets[places] == positive)
