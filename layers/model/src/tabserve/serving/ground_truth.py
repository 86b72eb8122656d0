"""Learn what really happened, to know how good the predictions were."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from tabserve.core import rules
from tabserve.core.errors import InvalidFieldError
from tabserve.core.records import FailureCase
from tabserve.core.target import Target
from tabserve.serving.prediction import GroundTruth
from tabserve.serving.service import PredictDependencies

NUMBER = re.compile(rules.NUMBER)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How much ground truth was stored and why the rest was not, by index."""

    stored: int
    errors: Mapping[int, FailureCase]


def record_ground_truth(use_case_name: str, truths: Sequence[GroundTruth], deps: PredictDependencies) -> Recorded:
    """Store ground truth; sending the same ones again changes nothing.

    Raises UnknownUseCaseError, or InvalidFieldError for an actual that is no class, or of a regression no number within
    the target's limits; then nothing is stored.
    """
    use_case = deps.catalog.get(use_case_name)
    check = _check_number if use_case.is_regression else _check_class
    for index, truth in enumerate(truths):
        check(use_case.target, truth.actual, f"records.{index}.actual")
    found = deps.predictions.record_ground_truth(use_case.name, truths, deps.clock())
    errors = {index: _unknown(truths[index]) for index, exists in enumerate(found) if not exists}
    return Recorded(len(truths) - len(errors), errors)


def _check_class(target: Target, actual: str, field: str) -> None:
    if actual not in target.texts:
        raise InvalidFieldError(field, "unknown_class", f"{field} must be one of {', '.join(target.texts)}.")


def _check_number(target: Target, actual: str, field: str) -> None:
    if not (NUMBER.fullmatch(actual) and isfinite(float(actual))):
        raise InvalidFieldError(field, "not_a_number", f"{field} must be a number.")
    if target.minimum is not None and float(actual) < target.minimum:
        raise InvalidFieldError(field, "below_minimum", f"{field} must be {target.minimum:g} or more.")
    if target.maximum is not None and float(actual) > target.maximum:
        raise InvalidFieldError(field, "above_maximum", f"{field} must be {target.maximum:g} or less.")


def _unknown(truth: GroundTruth) -> FailureCase:
    column = "prediction_id" if truth.prediction_id else "entity_id"
    return FailureCase(column, "unknown_prediction", f"there is no prediction with this {column}")
