"""Learn what really happened, to know how good the predictions were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabserve.application.ports import Catalog, Clock, GroundTruthStore
from tabserve.domain.prediction import FailureCase, Outcome
from tabserve.domain.use_case import UseCase


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many outcomes were stored and why the others were not, by index."""

    stored: int
    errors: Mapping[int, FailureCase]


def record_outcomes(
    use_case_name: str, outcomes: Sequence[Outcome], catalog: Catalog, store: GroundTruthStore, clock: Clock
) -> Recorded:
    """Store outcomes; sending the same ones again changes nothing. Raise UnknownUseCaseError."""
    use_case = catalog.get(use_case_name)
    errors = {index: case for index, outcome in enumerate(outcomes) if (case := _refusal(use_case, outcome))}
    kept = [index for index in range(len(outcomes)) if index not in errors]
    found = store.record(use_case.name, [outcomes[index] for index in kept], clock()) if kept else []
    for index, exists in zip(kept, found, strict=True):
        if not exists:
            errors[index] = _unknown(outcomes[index])
    return Recorded(len(outcomes) - len(errors), dict(sorted(errors.items())))


def _refusal(use_case: UseCase, outcome: Outcome) -> FailureCase | None:
    if outcome.actual in use_case.target.texts:
        return None
    return FailureCase("actual", "unknown_class", f"actual must be one of {', '.join(use_case.target.texts)}")


def _unknown(outcome: Outcome) -> FailureCase:
    column = "prediction_id" if outcome.prediction_id else "entity_id"
    return FailureCase(column, "unknown_prediction", f"there is no prediction with this {column}")
