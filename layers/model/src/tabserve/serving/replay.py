"""Past records asked again, of another version: what it would have answered, and how that differs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np

from tabserve.core.derivation import with_derived
from tabserve.core.records import Features
from tabserve.core.use_case import UseCase
from tabserve.core.validation import validate
from tabserve.serving.answers import Served

ROLE: Final = "replay"


@dataclass(frozen=True, slots=True)
class Past:
    """What a stored prediction was asked with and what it answered; `actual` is its outcome, where that is known."""

    id: str
    features: Features
    prediction: str
    probability: float | None = None
    value: float | None = None
    actual: str | None = None


@dataclass(slots=True)
class Changes:
    """How a version's answers differ from those that were given.

    `moves` counts rows by class before and now, `refused` rows by the column and rule that the version's definition
    finds broken. Distances are those of probabilities, or of predicted numbers in the target's unit. Errors are
    wrong answers, or absolute distances from the true number, of rows whose outcome is known.
    """

    regression: bool
    rows: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    distance: float = 0.0
    farthest: float = 0.0
    known: int = 0
    errors_before: float = 0.0
    errors_now: float = 0.0

    @property
    def differing(self) -> int:
        """Return how many rows have another class, or any other number."""
        return sum(count for (before, now), count in self.moves.items() if before != now)

    def add(self, past: Past, prediction: str, answer: float) -> None:
        """Count one row; `answer` is the probability, or the number, that is answered now."""
        self.rows += 1
        before = past.value if self.regression else past.probability
        if self.regression:
            self.moves[("same", "same") if answer == before else ("before", "now")] += 1
        else:
            self.moves[past.prediction, prediction] += 1
        if before is not None:
            distance = abs(answer - before)
            self.distance += distance
            self.farthest = max(self.farthest, distance)
        if past.actual is not None:
            self.known += 1
            self.errors_before += self._error(past.prediction, past.actual)
            self.errors_now += self._error(prediction, past.actual)

    def _error(self, prediction: str, actual: str) -> float:
        return abs(float(prediction) - float(actual)) if self.regression else float(prediction != actual)


def replay(served: Served, rows: Sequence[Past], at: datetime, changes: Changes) -> Iterator[dict[str, Any]]:
    """Ask a version with past records, count how its answers differ and yield them as the database stores them.

    Records that break a rule of the version's definition, or get no finite answer, are counted and have no answer.
    """
    use_case = served.use_case
    validated = validate(use_case, [_record(use_case, row.features) for row in rows])
    for cases in validated.errors.values():
        changes.refused.update((case.column, case.rule) for case in cases[:1])
    if not validated.indices:
        return
    columns, count = with_derived(use_case, validated.columns), len(validated.indices)
    scores = served.model.score(columns, count)
    finite = np.isfinite(scores).all(axis=1)
    changes.refused.update({("", "no_finite_answer"): int((~finite).sum())} if not finite.all() else {})
    answers = served.answers(scores)
    said = {"use_case": use_case.name, "created_at": at, "model_version": served.version, "role": ROLE}
    for place in np.flatnonzero(finite).tolist():
        past, stored = rows[validated.indices[place]], answers.stored(place)
        changes.add(past, stored["prediction"], stored["value"] if use_case.is_regression else stored["probability"])
        yield {**said, "prediction_id": past.id, **stored}


def _record(use_case: UseCase, features: Features) -> Features:
    """Return a record without the derived features that are stored beside it, which are computed anew."""
    return {name: features.get(name) for name in use_case.feature_names}
