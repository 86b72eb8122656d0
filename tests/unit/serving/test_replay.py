"""How a version's answers to past records differ, counted without a database."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tabserve.core.use_case import UseCase
from tabserve.registry.version import Interval
from tabserve.serving.answers import Served
from tabserve.serving.replay import Changes, Past, replay
from tests.factories import NOON

CLASSES = {"name": "churned", "classes": ["no", "yes"], "positive_class": "yes"}
FEATURES = [{"name": "age", "type": "number", "minimum": 0, "maximum": 120}]
DERIVED = [{"name": "old", "bins": {"of": "age", "edges": [60]}}]


class Says:
    """A model that gives each row the next of some scores."""

    version = "20260101T000000Z-00000000"
    threshold = None
    interval = Interval(share=0.9, half_width=1.0)

    def __init__(self, *scores: Sequence[float]) -> None:
        self.scores = np.array(scores)

    def score(self, columns: Any, rows: int) -> Any:
        assert set(columns) >= {"age"}
        assert rows == len(self.scores)
        return self.scores


def served(model: Says, **target: Any) -> Served:
    task = "binary_classification" if "classes" in target else "regression"
    content = {"name": "churn", "version": 1, "task": task, "features": FEATURES, "derived": DERIVED, "target": target}
    return Served(UseCase.model_validate(content), model)


def past(name: str, age: object, prediction: str, **more: Any) -> Past:
    return Past(name, {"age": age, "old": "computed by older code"}, prediction, **more)  # type: ignore[dict-item]


def test_classes_that_move_and_outcomes_are_counted() -> None:
    changes = Changes(regression=False)
    rows = [
        past("a", 30.0, "no", probability=0.25, actual="yes"),
        past("b", 40.0, "yes", probability=0.75, actual="yes"),
        past("c", 50.0, "no", probability=0.25),
        past("d", 130.0, "no", probability=0.25, actual="no"),
    ]
    model = Says((0.25, 0.75), (0.25, 0.75), (math.nan, math.nan))
    said = list(replay(served(model, **CLASSES), rows, NOON, changes))
    assert [(each["prediction_id"], each["prediction"], each["role"]) for each in said] == [
        ("a", "yes", "replay"),
        ("b", "yes", "replay"),
    ]
    assert (changes.rows, changes.differing, changes.moves["no", "yes"]) == (2, 1, 1)
    assert (changes.known, changes.errors_before, changes.errors_now) == (2, 1.0, 0.0)
    assert (changes.distance, changes.farthest) == (0.5, 0.5)
    assert changes.refused == {("age", "above_maximum"): 1, ("", "no_finite_answer"): 1}


def test_numbers_are_compared_by_their_distance() -> None:
    changes = Changes(regression=True)
    rows = [past("a", 30.0, "10.0", value=10.0, actual="13"), past("b", 40.0, "20.0", value=20.0)]
    said = list(replay(served(Says((12.0,), (20.0,)), name="price"), rows, NOON, changes))
    assert [(each["value"], each["low"], each["high"]) for each in said] == [(12.0, 11.0, 13.0), (20.0, 19.0, 21.0)]
    assert (changes.rows, changes.differing, changes.distance, changes.farthest) == (2, 1, 2.0, 2.0)
    assert (changes.known, changes.errors_before, changes.errors_now) == (1, 3.0, 1.0)


@pytest.mark.parametrize("age", [None, "old", 130.0])
def test_records_that_break_a_rule_are_not_asked(age: object) -> None:
    changes = Changes(regression=False)
    assert list(replay(served(Says(), **CLASSES), [past("a", age, "no")], NOON, changes)) == []
    assert (changes.rows, sum(changes.refused.values())) == (0, 1)
