"""A version that answers, and what it says of rows: classes with probabilities, or numbers with intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from operator import indexOf
from typing import TYPE_CHECKING, Any, Protocol, Self

import orjson

from tabserve.core.records import Value
from tabserve.core.target import Target
from tabserve.core.use_case import UseCase
from tabserve.registry.standing import TrialKind
from tabserve.registry.version import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEPARATOR = "\x1f"
NO_NUMBERS = SEPARATOR * 2  # three empty columns: value, low and high


@dataclass(frozen=True)
class ClassAnswers:
    """Probabilities of shape (rows, classes), and what follows from them."""

    classes: Sequence[str]
    positive: int | None
    probabilities: Sequence[Sequence[float]]
    threshold: float | None = None

    @cached_property
    def chosen(self) -> Sequence[int]:
        """The index of each row's answer.

        It is the positive class from the threshold on; without one the most probable class, the first where several
        are.
        """
        if self.threshold is not None and self.positive is not None:
            answers = (1 - self.positive, self.positive)
            return [answers[row[self.positive] >= self.threshold] for row in self.probabilities]
        if len(self.classes) == 2:
            return [int(second > first) for first, second in self.probabilities]
        return list(map(indexOf, self.probabilities, map(max, self.probabilities)))

    @cached_property
    def confidences(self) -> Sequence[float]:
        """Each row's probability of the positive class, or of the chosen class when there is no positive one."""
        if self.positive is None:
            return [max(row) for row in self.probabilities]
        return [row[self.positive] for row in self.probabilities]

    @cached_property
    def by_class(self) -> Sequence[str]:
        """Each row's probabilities by class: the JSON text that is stored and answered."""
        return objects(self.classes, self.probabilities)

    def __len__(self) -> int:
        return len(self.probabilities)

    def stored(self, row: int) -> dict[str, Any]:
        """Return the fields of a row's Prediction."""
        return {
            "prediction": self.classes[self.chosen[row]],
            "probability": self.confidences[row],
            "probabilities": dict(zip(self.classes, self.probabilities[row], strict=True)),
        }

    def copied(self) -> Iterable[str]:
        """Return the same fields of each row as COPY reads them, in the order of Prediction."""
        confidences = orjson.dumps(self.confidences)[1:-1].decode().split(",")  # in a fifth of the time of str
        answers = map(self.classes.__getitem__, self.chosen)
        return map(SEPARATOR.join, zip(answers, confidences, self.by_class, repeat(NO_NUMBERS)))


@dataclass(frozen=True)
class NumberAnswers:
    """A number a row and the interval around it, cut where the target has limits; None where nothing is known of it."""

    values: Sequence[float]
    intervals: Sequence[tuple[float, float] | None]

    @classmethod
    def of(cls, values: Sequence[float], half_width: float | None, target: Target) -> Self:
        """Put an interval around each number."""
        if half_width is None:
            return cls(values, [None] * len(values))
        lowest = float("-inf") if target.minimum is None else target.minimum
        highest = float("inf") if target.maximum is None else target.maximum
        cut = [
            (min(max(value - half_width, lowest), highest), max(min(value + half_width, highest), lowest))
            for value in values
        ]
        return cls(values, cut)

    def __len__(self) -> int:
        return len(self.values)

    def stored(self, row: int) -> dict[str, Any]:
        """Return the fields of a row's Prediction."""
        low, high = self.intervals[row] or (None, None)
        return {"prediction": repr(self.values[row]), "value": self.values[row], "low": low, "high": high}

    def copied(self) -> Iterable[str]:
        """Return the same fields of each row as COPY reads them, in the order of Prediction."""
        for value, interval in zip(self.values, self.intervals, strict=True):
            low, high = map(repr, interval) if interval else ("", "")
            yield SEPARATOR.join((repr(value), "", "", repr(value), low, high))


class Model(Protocol):
    """One loaded model version."""

    @property
    def version(self) -> str:
        """The registry's version name."""

    @property
    def threshold(self) -> float | None:
        """From which probability on the positive class is answered; None where the likelier class is."""

    @property
    def interval(self) -> Interval | None:
        """How far true numbers lie from predicted ones, of a regression."""

    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> "NDArray[np.float64]":
        """Score the model's inputs given by column.

        Return probabilities of shape (rows, classes) in the use case's class order, or numbers of shape (rows, 1).
        """


@dataclass(frozen=True, slots=True)
class Served:
    """A version that answers, with the definition it was trained on, and the one on trial beside it."""

    use_case: UseCase
    model: Model
    challenger: "Challenger | None" = None

    @property
    def version(self) -> str:
        """The registry's version name."""
        return self.model.version

    def answers(self, scores: "NDArray[np.float64]") -> ClassAnswers | NumberAnswers:
        """Return what the model's scores, of shape (rows, classes) or (rows, 1), mean."""
        target = self.use_case.target
        if self.use_case.is_regression:
            half_width = self.model.interval.half_width if self.model.interval else None
            return NumberAnswers.of(scores[:, 0].tolist(), half_width, target)
        return ClassAnswers(target.texts, target.positive_index, scores.tolist(), self.model.threshold)


@dataclass(frozen=True, slots=True)
class Challenger:
    """A version on trial beside the champion.

    `number` is that of the alias's move that began the trial, `share` the canary's of the entities.
    """

    kind: TrialKind
    share: float
    number: int
    served: Served

    @property
    def use_case(self) -> UseCase:
        """The definition it was trained on."""
        return self.served.use_case

    @property
    def version(self) -> str:
        """The registry's version name."""
        return self.served.version


def objects(names: Iterable[str], rows: Iterable[Sequence[Value]]) -> list[str]:
    """Return one JSON object a row of values."""
    return [orjson.dumps(row).decode() for row in map(dict, map(zip, repeat(tuple(names)), rows))]
