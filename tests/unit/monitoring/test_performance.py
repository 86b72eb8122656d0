import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from tabserve.core.target import Target
from tabserve.core.use_case import UseCase
from tabserve.monitoring.performance import alarm_limit, estimate, mean_answer
from tabserve.reference.calibration import Calibration
from tabserve.reference.performance import Answers, Measure, measure
from tabserve.reference.profile import PREDICTION, PROBABILITY, NumericProfile, Profile

NANNYML = json.loads((Path(__file__).parent / "data" / "cbpe.json").read_text())


def by_name(measures: list[Measure]) -> dict[str, Measure]:
    return {each.metric: each for each in measures}


def answers(p: Any, positive: str | None = "1") -> Answers:
    p = np.asarray(p, dtype=float)
    return Answers(np.where(p >= 0.5, "1", "0"), p, positive)


@pytest.mark.parametrize("case", NANNYML["cases"], ids=["honest", "overconfident"])
def test_estimates_are_those_of_nannyml(case: Any) -> None:
    reference = case["reference"]
    calibration = Calibration()
    if case["calibrated"]:
        calibration = Calibration.isotonic(np.array(reference["p"]), np.array(reference["actual"], dtype=float))
    for number, window in enumerate(case["windows"]):
        found = by_name(estimate(answers(window), calibration))
        for metric, values in case["estimates"].items():
            assert found[metric].value == pytest.approx(values[number], abs=1e-9)


def test_estimates_lie_in_their_interval_as_often_as_they_should() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 1, (400, 300))
    hits: dict[str, int] = {}
    for row in p:
        shown = answers(row)
        actual = np.where(rng.random(300) < row, "1", "0").tolist()
        real, expected = by_name(measure_fast(shown, actual)), by_name(estimate(shown, Calibration()))
        for metric in ("accuracy", "precision", "recall", "f1", "brier"):
            hits[metric] = hits.get(metric, 0) + (expected[metric].low <= real[metric].value <= expected[metric].high)
    assert {metric: count for metric, count in hits.items() if not 0.92 <= count / 400 <= 0.98} == {}


def measure_fast(shown: Answers, actual: list[str]) -> list[Measure]:
    truth = [int(each) for each in actual]
    claimed = [int(each) for each in shown.predictions]
    values = {
        "accuracy": metrics.accuracy_score(truth, claimed),
        "precision": metrics.precision_score(truth, claimed),
        "recall": metrics.recall_score(truth, claimed),
        "f1": metrics.f1_score(truth, claimed),
        "brier": metrics.brier_score_loss(truth, shown.probabilities),
    }
    return [Measure(name, value, 0, 1, len(actual), "measured") for name, value in values.items()]


@pytest.mark.parametrize("seed", range(3))
def test_measured_values_of_two_classes_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown = answers(rng.random(200))
    actual = rng.choice(["0", "1"], 200).tolist()
    found = by_name(measure(shown, actual))
    for expected in measure_fast(shown, actual):
        own = found[expected.metric]
        assert own.value == pytest.approx(expected.value)
        assert own.low < own.value < own.high


def test_measured_values_of_three_classes_are_macro_means() -> None:
    rng = np.random.default_rng(4)
    predictions, actual = rng.choice(["a", "b", "c"], (2, 150))
    found = by_name(measure(Answers(predictions, rng.random(150), None), actual.tolist()))
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(actual, predictions))
    assert found["f1"].value == pytest.approx(metrics.f1_score(actual, predictions, average="macro"))
    assert found["recall"].value == pytest.approx(metrics.recall_score(actual, predictions, average="macro"))


def test_no_rows_have_no_performance_and_one_class_has_what_can_be_known() -> None:
    assert measure(answers([]), []) == estimate(answers([]), Calibration()) == []
    found = by_name(measure(answers([0.1] * 60), ["0"] * 60))
    assert "precision" not in found
    assert "recall" not in found
    assert (found["accuracy"].value, found["accuracy"].high) == pytest.approx((1.0, 1.0))


def test_the_mean_probability_leaves_its_band_as_rarely_as_it_should() -> None:
    rng = np.random.default_rng(6)
    inside = 0
    for _ in range(400):
        reference, window = NumericProfile.of(rng.beta(2, 3, 300)), NumericProfile.of(rng.beta(2, 3, 200))
        (found,) = mean_answer(Profile(300, {PROBABILITY: reference}), Profile(200, {PROBABILITY: window}))
        assert found.metric == "mean_probability"
        inside += found.low <= found.value <= found.high
    assert 0.92 <= inside / 400 <= 0.98
    empty, one = (Profile(len(each), {PROBABILITY: NumericProfile.of(each)}) for each in ([], [0.5]))
    assert mean_answer(empty, one) == []


def test_the_mean_predicted_number_has_a_band_of_its_own() -> None:
    reference, window = (Profile(4, {PREDICTION: NumericProfile.of(each)}) for each in ([-5.0, 5.0] * 2, [300.0] * 4))
    (found,) = mean_answer(reference, window)
    assert (found.metric, found.value) == ("mean_prediction", 300.0)
    assert found.low == -found.high < 0


def test_intervals_are_the_same_for_the_same_rows() -> None:
    shown = answers(np.random.default_rng(5).random(100))
    actual = ["1", "0"] * 50
    assert measure(shown, actual) == measure(shown, actual)


def definition(**training: Any) -> UseCase:
    feature = {"name": "x", "type": "number", "minimum": 0, "maximum": 1}
    return UseCase.model_validate(
        {
            "name": "fruit",
            "version": 1,
            "task": "binary_classification",
            "id_column": "Id",
            "features": [feature],
            "target": {"name": "ripe", "classes": [0, 1], "positive_class": 1},
            "training": training,
            "monitoring": {"performance": {"margin": 0.03}},
        }
    )


def held_out(metric: str, value: float, reach: float) -> dict[str, Measure]:
    return {metric: Measure(metric, value, value - reach, value + reach, 418, "measured")}


@pytest.mark.parametrize(
    ("metric", "accepted", "value", "reach", "limit"),
    [
        ("accuracy", {}, 0.80, 0.01, 0.77),  # the margin
        ("accuracy", {}, 0.80, 0.04, 0.7664),  # the 90 % interval of the held-out figure, where it is wider
        ("accuracy", {"accuracy": 0.78}, 0.80, 0.04, 0.78),  # the acceptance limit, where it is stricter
        ("accuracy", {"accuracy": 0.70, "roc_auc": 0.9}, 0.80, 0.04, 0.7664),
        ("brier", {}, 0.15, 0.01, 0.18),
        ("brier", {"brier": 0.17}, 0.15, 0.04, 0.17),
        ("calibration_error", {}, 0.05, 0.04, 0.0836),
        ("mean_probability", {}, None, None, None),
        ("mae", {}, 100.0, 1.0, 103.0),  # the margin is a share of an error
        ("mae", {}, 100.0, 10.0, 108.3923),
        ("r2", {}, 0.5, 0.01, 0.47),
        ("r2", {"r2": 0.49}, 0.5, 0.01, 0.49),
        ("coverage", {}, 0.93, 0.02, 0.8832),  # what intervals promise, less what the held-out rows leave open
        ("coverage", {"coverage": 0.89}, 0.93, 0.02, 0.89),
    ],
)
def test_the_limit_of_a_metric_is_the_stricter_of_acceptance_and_what_the_held_out_rows_allow(
    metric: str, accepted: dict[str, float], value: Any, reach: Any, limit: float | None
) -> None:
    known = held_out(metric, value, reach) if value else {}
    found = alarm_limit(definition(acceptance=accepted), metric, known)
    assert found == (limit if limit is None else pytest.approx(limit, abs=1e-4))


def test_the_brier_score_of_training_is_another_one_with_more_than_two_classes() -> None:
    target = Target.model_validate({"name": "kind", "classes": ["a", "b", "c"]})
    use_case = definition(acceptance={"brier": 0.4}).model_copy(update={"target": target})
    assert alarm_limit(use_case, "brier", {}) is None


def test_a_measure_is_beyond_its_limit_when_its_whole_interval_is() -> None:
    def beyond(metric: str, low: float, high: float, limit: float | None) -> bool:
        return Measure(metric, (low + high) / 2, low, high, 500, "measured", limit).beyond_limit

    assert beyond("accuracy", 0.6, 0.7, 0.71)
    assert not beyond("accuracy", 0.6, 0.7, 0.69)
    assert beyond("brier", 0.2, 0.3, 0.19)
    assert not beyond("brier", 0.2, 0.3, 0.21)
    assert not beyond("recall", 0.2, 0.3, None)
