"""What the pictures of a version show, against scikit-learn and counted by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score, roc_auc_score

from tabserve.core.records import Value
from tabserve.core.target import Cost
from tabserve.training import diagnostics
from tabserve.training.cells import array
from tabserve.training.dataset import LabelledRows
from tabserve.training.decision import likelier
from tests.definitions import CATALOG

RNG = np.random.default_rng(0)
SCORES = RNG.random(2_000).round(2)
HAPPENED = RNG.random(2_000) < SCORES
ROWS = LabelledRows(
    tuple(map(str, range(400))),
    {"decides": np.arange(400) % 2, "says nothing": RNG.random(400)},
    np.arange(400) % 2,
)


def score(columns: Mapping[str, Any], rows: int) -> NDArray[np.float64]:
    second = np.array(columns["decides"], dtype=float) * 0.8 + 0.1
    return np.stack((1 - second, second), axis=1)


def accuracy(answers: NDArray[np.float64], targets: NDArray[Any]) -> float:
    return float(np.mean(answers.argmax(axis=1) == targets))


def test_the_roc_curve_has_the_area_that_scikit_learn_computes() -> None:
    curve = diagnostics.roc_curve(SCORES, HAPPENED)
    points = np.array(curve)
    assert points[[0, -1]].tolist() == [[0, 0], [1, 1]]
    assert len(points) <= 100
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(roc_auc_score(HAPPENED, SCORES), abs=0.002)


def test_there_is_no_roc_curve_of_one_class() -> None:
    assert diagnostics.roc_curve(SCORES, np.ones(2_000, dtype=bool)) == ()


def test_calibration_compares_what_was_answered_with_what_happened() -> None:
    bins = diagnostics.calibration_bins(SCORES, HAPPENED)
    assert len(bins) == 10
    assert sum(each.rows for each in bins) == 2_000
    assert all(each.low <= each.happened <= each.high for each in bins)
    assert [each.answered for each in bins] == sorted(each.answered for each in bins)
    assert max(abs(each.answered - each.happened) for each in bins) < 0.1


def test_confusion_counts_as_scikit_learn_does() -> None:
    targets, predicted = RNG.integers(0, 3, 500), RNG.integers(0, 3, 500)
    counted = np.array(diagnostics.confusion(targets, predicted, 3))
    assert (counted == confusion_matrix(targets, predicted)).all()


def test_a_column_that_decides_is_important_and_one_that_says_nothing_is_not() -> None:
    found = diagnostics.importance([*ROWS.columns], ROWS, score, accuracy, seed=0)
    assert found["decides"].value == pytest.approx(0.5, abs=0.1)
    assert found["decides"].low <= found["decides"].value <= found["decides"].high
    assert found["says nothing"].value == 0


def test_typical_values_are_ones_that_are_there() -> None:
    columns: dict[str, list[Value]] = {
        "Pclass": [3, 1, 3, None],
        "Sex": ["male", "female", "female", "female"],
        "Age": [20.5, None, 31.23456, 80],
        "Fare": [None] * 4,
        "Embarked": [None, None, None, "C"],
    }
    titanic = CATALOG.get("titanic")
    found = diagnostics.typical(titanic, {each.name: array(each, columns[each.name]) for each in titanic.features})
    assert found == {"Pclass": 3, "Sex": "female", "Age": 31.23, "Embarked": "C"}


@pytest.mark.parametrize("positive", [None, 1])
def test_a_version_is_described_with_and_without_a_positive_class(positive: int | None) -> None:
    found = diagnostics.diagnose(ROWS, score(ROWS.columns, 400), positive, likelier, {})
    assert bool(found.roc) is (positive is not None)
    assert found.confusion == ((200, 0), (0, 200))
    assert sum(each.rows for each in found.calibration) == 400
    assert bool(found.threshold_curve) is (positive is not None)
    assert len(found.model_dump_json()) < 15_000


def test_the_threshold_curve_counts_as_scikit_learn_does() -> None:
    curve = diagnostics.threshold_curve(SCORES, HAPPENED, Cost(false_positive=1, false_negative=5))
    assert [each.threshold for each in curve][:2] == [0.02, 0.04]
    for each in (curve[4], curve[24], curve[44]):
        claimed = each.threshold <= SCORES
        assert each.precision == pytest.approx(precision_score(HAPPENED, claimed))
        assert each.recall == pytest.approx(recall_score(HAPPENED, claimed))
        assert each.f1 == pytest.approx(f1_score(HAPPENED, claimed))
        assert each.answered == pytest.approx(claimed.mean())
        assert each.cost == pytest.approx(np.mean((claimed & ~HAPPENED) + 5 * (~claimed & HAPPENED)))


def test_a_threshold_that_nothing_reaches_has_no_precision() -> None:
    curve = diagnostics.threshold_curve(np.full(9, 0.5), np.zeros(9, dtype=bool), None)
    assert (curve[-1].precision, curve[-1].recall, curve[-1].f1, curve[-1].cost) == (None, None, None, None)
