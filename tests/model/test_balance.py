"""Balance: of rows that say nothing, nothing is learned, however often the rare ones are copied or made up."""

import numpy as np
import pandas as pd
import pytest

from tabserve.core.errors import TrainingDataError
from tabserve.core.training import Balance, Estimator
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import OnnxModel
from tabserve.training import fitting
from tabserve.training.balance import row_weights, with_made_up_rows
from tabserve.training.choice import Choice
from tabserve.training.dataset import LabelledRows
from tabserve.training.evaluation import roc_auc
from tabserve.training.folds import folds
from tabserve.training.pipeline import frame_of
from tabserve.training.search import find
from tests.definitions import CATALOG, TRIPS
from tests.model.conftest import rows_of
from tests.unit.training.test_folds import passengers, with_copies

TITANIC = CATALOG.get("titanic")


def forest(balance: Balance | None) -> UseCase:
    settings = {"estimator": "random_forest", "balance": balance, "search": {"iterations": 1}}
    return UseCase.model_validate(TITANIC.model_dump(mode="json") | {"training": settings})


@pytest.mark.parametrize("balance", [None, "class_weight", "smote"])
@pytest.mark.parametrize("times", [1, 4])
def test_copied_and_made_up_rows_do_not_flatter(balance: Balance | None, times: int) -> None:
    rows = with_copies(passengers(300), times)
    (attempt,) = find(forest(balance), rows, fitting.fit).attempts
    assert attempt.means["roc_auc"] == pytest.approx(0.5, abs=0.12)
    if times > 1:  # what the measure would say if copies were learned from
        order = np.random.default_rng(0).permutation(len(rows))
        learned, others = rows.take(order[: len(rows) * 4 // 5]), rows.take(order[len(rows) * 4 // 5 :])
        leaking = fitting.fit(TITANIC, learned, Choice("random_forest", balance=balance))
        assert roc_auc(leaking.score(others.columns, len(others)), others.targets) > 0.8


def test_made_up_rows_are_made_of_the_rows_to_learn_from_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = with_copies(passengers(200), times=2)
    seen: list[tuple[pd.DataFrame, pd.DataFrame]] = []

    def noting(use_case: UseCase, frame: pd.DataFrame, targets: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
        more, more_targets = with_made_up_rows(use_case, frame, targets)
        seen.append((frame.copy(), more.copy()))
        return more, more_targets

    monkeypatch.setattr(fitting, "with_made_up_rows", noting)
    use_case = forest("smote")
    find(use_case, rows, fitting.fit)
    parts = list(folds(use_case, rows, count=5))
    assert len(seen) == len(parts)
    for (learned, others), (frame, more) in zip(parts, seen, strict=True):
        pd.testing.assert_frame_equal(frame, frame_of(use_case, rows.take(learned).columns))
        left_out = set(rows.columns["Fare"][others])
        assert not left_out & set(more["Fare"])


def test_made_up_rows_are_records_like_the_others() -> None:
    rows = passengers(250)
    frame = frame_of(TITANIC, rows.columns)
    more, targets = with_made_up_rows(TITANIC, frame, rows.targets)
    assert np.bincount(targets).tolist() == [200, 200]
    pd.testing.assert_frame_equal(more[:250], frame)
    made = more[250:]
    assert set(made["Sex"]) <= {"male", "female"}
    assert set(made["Pclass"]) <= {"1", "2", "3"}
    rare = frame[rows.targets == 1]
    assert made["Fare"].between(rare["Fare"].min() - 1e-9, rare["Fare"].max() + 1e-9).all()
    assert made.notna().all().all()


@pytest.mark.parametrize("kind", ["number", "category"])
def test_rows_are_made_up_of_numbers_alone_and_of_categories_alone(kind: str) -> None:
    features = {
        "number": [{"name": "x", "type": "number"}, {"name": "y", "type": "integer"}],
        "category": [{"name": "x", "type": "category", "categories": ["1", "2"]}, {"name": "y", "type": "boolean"}],
    }[kind]
    target = {"name": "t", "classes": ["a", "b", "c"]}
    content = {"name": "some", "version": 1, "task": "multiclass_classification", "features": features}
    use_case = UseCase.model_validate({**content, "target": target})
    x = np.arange(60) % 2 + 1.0
    columns = {"x": x if kind == "number" else np.array(["1", "2"] * 30, dtype=object), "y": x - 1}
    more, targets = with_made_up_rows(use_case, frame_of(use_case, columns), np.repeat([0, 1, 2], [40, 15, 5]))
    assert np.bincount(targets).tolist() == [40, 40, 40]
    assert set(more["y"]) <= {0.0, 1.0}


def test_a_class_of_one_row_is_refused_with_the_remedy() -> None:
    frame = frame_of(TITANIC, passengers(20).columns)
    with pytest.raises(TrainingDataError, match="a class of 'Survived' has one row to learn from; give more rows"):
        with_made_up_rows(TITANIC, frame, np.array([1] + [0] * 19))


def test_weights_let_classes_weigh_the_same() -> None:
    targets = np.array([0] * 8 + [1] * 2)
    weights = row_weights(targets)
    assert weights[targets == 0].sum() == pytest.approx(weights[targets == 1].sum()) == pytest.approx(5)


@pytest.mark.parametrize("balance", ["class_weight", "smote"])
def test_a_balanced_model_answers_the_rare_class_more_often_and_exports_alike(balance: Balance) -> None:
    rows: LabelledRows = rows_of("titanic").training
    plain = fitting.fit(TITANIC, rows, Choice("logistic_regression"))
    balanced = fitting.fit(TITANIC, rows, Choice("logistic_regression", balance=balance))
    answers = balanced.score(rows.columns, len(rows))
    assert answers[:, 1].mean() > plain.score(rows.columns, len(rows))[:, 1].mean() + 0.03
    exported = OnnxModel(balanced.export(), "v", "")
    np.testing.assert_allclose(exported.score(rows.columns, len(rows)), answers, rtol=0, atol=1e-12)


def test_rows_of_every_type_are_made_up() -> None:
    chance = np.random.default_rng(3)
    columns = {
        each.name: chance.integers(0, 2, 60).astype(float)
        if each.type in ("number", "integer", "boolean")
        else np.array(["a", "b", None], dtype=object)[chance.integers(0, 3, 60)]
        for each in TRIPS.inputs
    }
    more, targets = with_made_up_rows(TRIPS, frame_of(TRIPS, columns), np.repeat([0, 1], [50, 10]))
    assert len(more) == len(targets) == 100


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "lightgbm", "xgboost"])
@pytest.mark.parametrize("balance", ["class_weight", "smote"])
def test_boosting_is_balanced_and_exports_alike(estimator: Estimator, balance: Balance) -> None:
    rows = passengers(200)
    size = {"max_iter": 10} if estimator == "hist_gradient_boosting" else {"n_estimators": 10}
    balanced = fitting.fit(TITANIC, rows, Choice(estimator, size, balance))
    plain = fitting.fit(TITANIC, rows, Choice(estimator, size))
    answers = balanced.score(rows.columns, 200)
    assert answers[:, 1].mean() > plain.score(rows.columns, 200)[:, 1].mean() + 0.03
    exported = OnnxModel(balanced.export(), "v", "")
    np.testing.assert_allclose(
        exported.score(rows.columns, 200), answers, rtol=0, atol=1e-6
    )  # XGBoost adds up in 32 bits


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "lightgbm", "xgboost"])
def test_boosting_takes_missing_numbers_as_they_are(estimator: Estimator) -> None:
    content = TITANIC.model_dump(mode="json") | {"training": {"estimator": estimator}}
    for feature in content["features"]:
        feature["impute"] = None
    unfilled = UseCase.model_validate(content)
    rows = passengers(200)
    size = {"max_iter": 10} if estimator == "hist_gradient_boosting" else {"n_estimators": 10}
    fitted = fitting.fit(unfilled, rows, Choice(estimator, size))
    missing = {**rows.columns, "Age": np.full(200, np.nan)}
    median = {**rows.columns, "Age": np.full(200, np.nanmedian(rows.columns["Age"]))}
    answers = fitted.score(missing, 200)
    assert np.abs(answers - fitted.score(median, 200)).max() > 0.01  # nothing is filled in
    exported = OnnxModel(fitted.export(), "v", "")
    np.testing.assert_allclose(exported.score(missing, 200), answers, rtol=0, atol=1e-6)
