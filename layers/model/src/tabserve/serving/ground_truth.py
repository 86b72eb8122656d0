"""Learn what really happened, to know how good the predictions were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabserve.core.errors import InvalidFieldError
from tabserve.core.records import FailureCase
from tabserve.serving.prediction import GroundTruth
from tabserve.serving.service import PredictDependencies


@dataclass(frozen=True, slots=True)
class Recorded:
    """How much ground truth was stored and why the rest was not, by index."""

    stored: int
    errors: Mapping[int, FailureCase]


def record_ground_truth(use_case_name: str, truths: Sequence[GroundTruth], deps: PredictDependencies) -> Recorded:
    """Store ground truth; sending the same ones again changes nothing.

    Raises UnknownUseCaseError, or InvalidFieldError for an actual that is no class; then nothing is stored.
    """
    use_case = deps.catalog.get(use_case_name)
    for index, truth in enumerate(truths):
        if truth.actual not in use_case.target.texts:
            message = f"records.{index}.actual must be one of {', '.join(use_case.target.texts)}."
            raise InvalidFieldError(f"records.{index}.actual", "unknown_class", message)
    found = deps.predictions.record_ground_truth(use_case.name, truths, deps.clock())
    errors = {index: _unknown(truths[index]) for index, exists in enumerate(found) if not exists}
    return Recorded(len(truths) - len(errors), errors)


def _unknown(truth: GroundTruth) -> FailureCase:
    column = "prediction_id" if truth.prediction_id else "entity_id"
    return FailureCase(column, "unknown_prediction", f"there is no prediction with this {column}")
