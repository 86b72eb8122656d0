import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from tabserve.core.errors import AcceptanceError
from tabserve.registry.version import Metric
from tabserve.training import evaluation


def answers(classes: int, rows: int, seed: int) -> tuple[evaluation.Floats, evaluation.Places]:
    generator = np.random.default_rng(seed)
    raw = np.round(generator.random((rows, classes)) + 0.01, 2)  # rounded, so that there are ties
    targets = np.concatenate((np.arange(classes), generator.integers(0, classes, rows - classes)))
    return raw / raw.sum(axis=1, keepdims=True), targets


@given(st.integers(2, 5), st.integers(10, 60), st.integers(0, 10_000))
def test_measures_are_those_of_scikit_learn(classes: int, rows: int, seed: int) -> None:
    probabilities, targets = answers(classes, rows, seed)
    given_auc = (
        metrics.roc_auc_score(targets, probabilities[:, 1])
        if classes == 2
        else metrics.roc_auc_score(targets, probabilities, multi_class="ovr")
    )
    assert evaluation.roc_auc(probabilities, targets) == pytest.approx(given_auc, abs=1e-12)
    assert evaluation.log_loss(probabilities, targets) == pytest.approx(
        metrics.log_loss(targets, probabilities), abs=1e-9
    )
    brier = (
        metrics.brier_score_loss(targets, probabilities[:, 1])
        if classes == 2
        else np.mean(np.sum((probabilities - np.eye(classes)[targets]) ** 2, axis=1))
    )
    assert evaluation.brier(probabilities, targets) == pytest.approx(brier, abs=1e-12)


def test_intervals_hold_the_measure_and_repeat() -> None:
    probabilities, targets = answers(3, 80, 1)
    first = evaluation.evaluate(probabilities, targets, seed=5)
    assert first == evaluation.evaluate(probabilities, targets, seed=5)
    assert all(metric.low <= metric.value <= metric.high for metric in first.values())


def test_limits_point_the_right_way() -> None:
    measured = {"accuracy": Metric(value=0.8, low=0, high=1), "brier": Metric(value=0.2, low=0, high=1)}
    evaluation.require_accepted(measured, {"accuracy": 0.8, "brier": 0.2})  # type: ignore[arg-type]
    with pytest.raises(AcceptanceError, match=r"accuracy is 0.8000, must be at least 0.81"):
        evaluation.require_accepted(measured, {"accuracy": 0.81})  # type: ignore[arg-type]
    with pytest.raises(AcceptanceError, match=r"brier is 0.2000, must be at most 0.19"):
        evaluation.require_accepted(measured, {"brier": 0.19})  # type: ignore[arg-type]
