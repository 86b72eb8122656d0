"""Tree ensembles of every library as ONNX: the same sums as the library's own, next to thresholds and beyond."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping
from numpy.typing import NDArray
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier

from tabserve.core.errors import ExportError
from tabserve.training.onnx_ensembles import register_ensembles
from tabserve.training.onnx_steps import CONVERTER_OPSET, ML_OPSET

Floats = NDArray[np.float64]
COLUMNS = 5  # a number, many categories, few categories, a number with many zeros, a number
MANY = 70
ROWS = 600
CATEGORIES = [1, 2]
KINDS = ["q", "c", "c", "q", "q"]
TINY = float(np.float32(1e-35))


@functools.cache
def table() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, COLUMNS)).round(2)
    rows[:, 1] = rng.integers(0, MANY, ROWS)
    rows[:, 2] = rng.integers(0, 4, ROWS)
    rows[:, 3] = np.where(rng.random(ROWS) < 0.5, 0, rows[:, 3])
    rows[rng.random(rows.shape) < 0.08] = np.nan
    known = np.nan_to_num(rows)
    values = known[:, 0] + (known[:, 1] % 3 == 0) * 1.5 + (known[:, 2] == 2) - (known[:, 3] == 0) * 0.7
    return rows, values + rng.normal(size=ROWS) * 0.3


def targets(kind: str) -> NDArray[Any]:
    values = table()[1]
    return {"two": values > 0.6, "three": np.digitize(values, [0, 1]), "numbers": values}[kind]


@functools.cache
def probes() -> Floats:
    """Values that were seen, their neighbours, zeros of all kinds, missing ones and categories nobody has seen."""
    rng = np.random.default_rng(1)
    rows = np.column_stack([rng.choice(column, 4_000) for column in table()[0].T])
    for place in (0, 3, 4):
        column, draw = rows[:, place], rng.random(len(rows))
        column[draw < 0.1] = np.nextafter(column[draw < 0.1], np.inf)
        column[draw > 0.9] = np.nextafter(column[draw > 0.9], -np.inf)
        few = (draw > 0.5) & (draw < 0.6)
        column[few] = rng.choice([0.0, -0.0, 1e-36, -1e-36, TINY, -TINY, 1e-34, 1e30, -1e30], few.sum())
    rows[rng.random(len(rows)) < 0.05, 1] = MANY + 7
    return rows


def exported(estimator: Any) -> Callable[[Floats], Floats]:
    register_ensembles()
    options = {id(estimator): {"zipmap": False}} if is_classifier(estimator) else {}
    inputs = [("rows", DoubleTensorType([None, estimator.n_features_in_]))]
    opset = {"": 18, "ai.onnx.ml": CONVERTER_OPSET}
    model = convert_sklearn(estimator, initial_types=inputs, options=options, target_opset=opset)
    for domain in model.opset_import:
        domain.version = ML_OPSET if domain.domain == "ai.onnx.ml" else domain.version
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings)
    answers = session.get_outputs()[-1].name
    return lambda rows: session.run([answers], {"rows": rows})[0]


def answers_of(estimator: Any, rows: Floats) -> Floats:
    if is_classifier(estimator):
        return np.asarray(estimator.predict_proba(rows), dtype=np.float64)
    return np.asarray(estimator.predict(rows), dtype=np.float64).reshape(-1, 1)


def require_same(estimator: Any, rows: Floats | None = None) -> None:
    """The library's answers: all classes alike, and no more than a rounding of the exponential function between."""
    rows = probes() if rows is None else rows
    score = exported(estimator)
    original, answers = answers_of(estimator, rows), score(rows)
    assert answers.dtype == np.float64
    assert answers.shape == original.shape
    assert list(answers.argmax(axis=1)) == list(original.argmax(axis=1))
    of_32_bits = type(estimator).__module__.startswith("xgboost")
    np.testing.assert_allclose(
        answers, original, rtol=1e-6 if of_32_bits else 1e-14, atol=2e-7 if of_32_bits else 1e-15
    )
    np.testing.assert_allclose(score(rows[:1]), answers[:1], rtol=1e-7, atol=0)


FOREST = {"n_estimators": 12, "random_state": 0}
FORESTS = {
    "two": (RandomForestClassifier, ExtraTreesClassifier),
    "three": (RandomForestClassifier, ExtraTreesClassifier),
    "numbers": (RandomForestRegressor, ExtraTreesRegressor),
}
BOOSTED = {"two": GradientBoostingClassifier, "three": GradientBoostingClassifier, "numbers": GradientBoostingRegressor}
LIGHT = {"two": LGBMClassifier, "three": LGBMClassifier, "numbers": LGBMRegressor}
EXTREME = {"two": XGBClassifier, "three": XGBClassifier, "numbers": XGBRegressor}
TASKS = ("two", "three", "numbers")
OF_LIGHT: dict[str, Any] = {"n_estimators": 12, "verbose": -1, "n_jobs": 1, "categorical_column": CATEGORIES}
OF_EXTREME: dict[str, Any] = {"n_estimators": 12, "n_jobs": 1, "enable_categorical": True, "feature_types": KINDS}


@pytest.mark.parametrize("task", TASKS)
def test_forests_answer_bit_by_bit(task: str) -> None:
    for forest in FORESTS[task]:
        fitted = forest(**FOREST).fit(table()[0], targets(task))
        np.testing.assert_array_equal(exported(fitted)(probes()), answers_of(fitted, probes()))


def test_a_single_tree_and_a_tree_of_one_leaf() -> None:
    require_same(DecisionTreeClassifier(random_state=0).fit(table()[0], targets("two")))
    require_same(
        RandomForestClassifier(n_estimators=3, max_depth=1, min_samples_leaf=500).fit(table()[0], targets("two"))
    )


def test_a_forest_of_one_class() -> None:
    require_same(RandomForestClassifier(n_estimators=3).fit(table()[0], np.zeros(ROWS)))


@pytest.mark.parametrize("task", TASKS)
def test_classic_gradient_boosting(task: str) -> None:
    known = np.nan_to_num(table()[0])
    require_same(BOOSTED[task](n_estimators=12, random_state=0).fit(known, targets(task)), np.nan_to_num(probes()))


@pytest.mark.parametrize("settings", [{"loss": "exponential"}, {"init": "zero"}])
def test_settings_of_classic_gradient_boosting(settings: dict[str, Any]) -> None:
    known = np.nan_to_num(table()[0])
    fitted = GradientBoostingClassifier(n_estimators=12, **settings).fit(known, targets("two"))
    require_same(fitted, np.nan_to_num(probes()))


def test_boosting_that_starts_from_another_model_is_refused() -> None:
    fitted = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression())
    with pytest.raises(ExportError, match="starts from another model, LogisticRegression; train it without `init`"):
        exported(fitted.fit(np.nan_to_num(table()[0]), targets("two")))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("categories", [None, CATEGORIES])
def test_histogram_boosting(task: str, categories: list[int] | None) -> None:
    boosting = HistGradientBoostingRegressor if task == "numbers" else HistGradientBoostingClassifier
    fitted = boosting(max_iter=12, random_state=0, categorical_features=categories, early_stopping=True)
    require_same(fitted.fit(table()[0], targets(task)))


def test_histogram_boosting_of_counts() -> None:
    counts = np.floor(np.abs(targets("numbers")))
    require_same(HistGradientBoostingRegressor(max_iter=12, loss="poisson").fit(table()[0], counts))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"boosting_type": "dart"},
        {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"categorical_column": []},
    ],
    ids=str,
)
def test_lightgbm(task: str, settings: dict[str, Any]) -> None:
    require_same(LIGHT[task](**OF_LIGHT | settings).fit(table()[0], targets(task)))


@pytest.mark.parametrize("objective", ["multiclassova", "cross_entropy"])
def test_objectives_of_lightgbm_with_classes(objective: str) -> None:
    task = "three" if objective == "multiclassova" else "two"
    require_same(LGBMClassifier(**OF_LIGHT, objective=objective).fit(table()[0], targets(task)))


@pytest.mark.parametrize("settings", [{"objective": "poisson"}, {"objective": "l1"}, {"reg_sqrt": True}], ids=str)
def test_objectives_of_lightgbm_with_numbers(settings: dict[str, Any]) -> None:
    require_same(LGBMRegressor(**OF_LIGHT | settings).fit(table()[0], np.abs(targets("numbers"))))


def test_lightgbm_answers_up_to_its_best_iteration() -> None:
    rows, classes = table()[0], targets("two")
    fitted = LGBMClassifier(**OF_LIGHT | {"n_estimators": 200, "learning_rate": 0.5})
    fitted.fit(
        rows[:400],
        classes[:400],
        eval_X=(rows[400:],),
        eval_y=(classes[400:],),
        callbacks=[early_stopping(2, verbose=False)],
    )
    assert fitted.best_iteration_ < 200
    require_same(fitted)


def test_what_lightgbm_cannot_export_exactly_is_refused_with_the_reason() -> None:
    rows, values = table()[0], targets("numbers")
    with pytest.raises(ExportError, match="linear trees"):
        exported(LGBMRegressor(**OF_LIGHT, linear_tree=True).fit(rows, values))

    def squares(true: Any, predicted: Any) -> Any:
        return predicted - true, np.ones_like(true)

    with pytest.raises(ExportError, match="objective 'custom' has no exact export; known: binary"):
        exported(LGBMRegressor(**OF_LIGHT, objective=squares).fit(rows, values))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"booster": "dart", "rate_drop": 0.3},
        {"max_cat_to_onehot": 100},
        {"missing": 0.0},
        {"feature_types": None, "enable_categorical": False},
        {"num_parallel_tree": 3, "subsample": 0.5},
    ],
    ids=str,
)
def test_xgboost(task: str, settings: dict[str, Any]) -> None:
    require_same(EXTREME[task](**OF_EXTREME | settings).fit(table()[0], targets(task)))


@pytest.mark.parametrize("score", [0.1, 0.3, 0.7])
def test_the_base_score_of_xgboost(score: float) -> None:
    fitted = XGBClassifier(**OF_EXTREME, base_score=score).fit(table()[0], targets("two"))
    margins = fitted.predict(probes(), output_margin=True)
    odds = exported(fitted)(probes())
    np.testing.assert_allclose(np.log(odds[:, 1] / odds[:, 0]), margins, rtol=0, atol=1e-5)
    require_same(fitted)


@pytest.mark.parametrize("objective", ["count:poisson", "reg:gamma", "reg:absoluteerror"])
def test_objectives_of_xgboost_with_numbers(objective: str) -> None:
    require_same(XGBRegressor(**OF_EXTREME, objective=objective).fit(table()[0], np.abs(targets("numbers")) + 0.1))


def test_random_forests_and_early_stopping_of_xgboost() -> None:
    rows, classes = table()[0], targets("two")
    require_same(XGBRFClassifier(**OF_EXTREME).fit(rows, classes))
    fitted = XGBClassifier(**OF_EXTREME | {"n_estimators": 200, "learning_rate": 0.5}, early_stopping_rounds=2)
    fitted.fit(rows[:400], classes[:400], eval_set=[(rows[400:], classes[400:])], verbose=False)
    assert fitted.best_iteration < 199
    require_same(fitted)


def test_what_xgboost_cannot_export_exactly_is_refused_with_the_reason() -> None:
    rows = np.nan_to_num(table()[0])
    with pytest.raises(ExportError, match="grows no trees; train it with gbtree or dart"):
        exported(XGBRegressor(booster="gblinear").fit(rows, targets("numbers")))
    with pytest.raises(ExportError, match="objective 'binary:hinge' has no exact export"):
        exported(XGBClassifier(objective="binary:hinge").fit(rows, targets("two")))
