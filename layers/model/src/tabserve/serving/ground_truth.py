"""Learn what really happened, to know how good the predictions were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.errors import InvalidFieldError
from tabserve.core.records import FailureCase
from tabserve.serving.ports import GroundTruthStore
from tabserve.serving.prediction import Outcome


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many outcomes were stored and why the others were not, by index."""

    stored: int
    errors: Mapping[int, FailureCase]


def record_outcomes(
    use_case_name: str, outcomes: Sequence[Outcome], catalog: Catalog, store: GroundTruthStore, clock: Clock
) -> Recorded:
    """Store outcomes; sending the same ones again changes nothing.

    Raises UnknownUseCaseError, or InvalidFieldError for an actual that is no class; then nothing is stored.
    """
    use_case = catalog.get(use_case_name)
    for index, outcome in enumerate(outcomes):
        if outcome.actual not in use_case.target.texts:
            message = f"records.{index}.actual must be one of {', '.join(use_case.target.texts)}."
            raise InvalidFieldError(f"records.{index}.actual", "unknown_class", message)
    found = store.record(use_case.name, outcomes, clock())
    errors = {index: _unknown(outcomes[index]) for index, exists in enumerate(found) if not exists}
    return Recorded(len(outcomes) - len(errors), errors)


def _unknown(outcome: Outcome) -> FailureCase:
    column = "prediction_id" if outcome.prediction_id else "entity_id"
    return FailureCase(column, "unknown_prediction", f"there is no prediction with this {column}")
