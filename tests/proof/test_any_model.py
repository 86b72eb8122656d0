"""Any model: twelve kinds on three tables answer alike in ONNX, and LightGBM on a million rows; printed as tables."""

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from tabserve.core.catalog import YamlCatalog
from tabserve.core.errors import ModelError
from tabserve.core.features import CategoryFeature
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import OnnxModel
from tabserve.registry.version import Interval, Parity
from tabserve.training.choice import Choice
from tabserve.training.datasets import read_dataset
from tabserve.training.export_check import check_parity
from tabserve.training.fitting import fit
from tabserve.training.importing import opened_model
from tabserve.training.service import Rows, split
from tabserve.training.tasks import Classes, Quantity
from tests.unit.training.test_tree_ensembles import exported

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1_800)]
ROOT = Path(__file__).resolve().parents[2]
TABLES = {"iris": "numbers, three classes", "titanic": "categories and missing values", "diabetes": "a regression"}
TRAINED = ("linear", "random_forest", "extra_trees", "hist_gradient_boosting", "lightgbm", "xgboost")
SEED = {"random_state": 0}
# Of each the one for classes and the one for numbers.
IMPORTED: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "decision tree": (lambda: DecisionTreeClassifier(**SEED), lambda: DecisionTreeRegressor(**SEED)),
    "gradient boosting": (lambda: GradientBoostingClassifier(**SEED), lambda: GradientBoostingRegressor(**SEED)),
    "LightGBM, DART": (
        lambda: LGBMClassifier(boosting_type="dart", verbose=-1, n_jobs=1),
        lambda: LGBMRegressor(boosting_type="dart", verbose=-1, n_jobs=1),
    ),
    "XGBoost, DART": (
        lambda: XGBClassifier(booster="dart", rate_drop=0.2, n_jobs=1),
        lambda: XGBRegressor(booster="dart", rate_drop=0.2, n_jobs=1),
    ),
    "nearest neighbours": (KNeighborsClassifier, KNeighborsRegressor),
    "neural network": (
        lambda: MLPClassifier(max_iter=2_000, **SEED),
        lambda: MLPRegressor(max_iter=5_000, tol=1.0, **SEED),
    ),
}


@cache
def table(name: str) -> tuple[UseCase, Rows]:
    use_case = YamlCatalog(ROOT / "use_cases").get(name)
    settings = use_case.training
    holdout = read_dataset(use_case, settings.holdout, ROOT) if settings.holdout else None
    return use_case, split(use_case, read_dataset(use_case, settings.data, ROOT), holdout)


def work_of(use_case: UseCase) -> Classes | Quantity:
    return Quantity(use_case, Interval(share=0.9, half_width=1)) if use_case.is_regression else Classes(use_case, None)


def parity_of(use_case: UseCase, rows: Rows, model: Any) -> Parity:
    served = OnnxModel(model.export(), "candidate", "")
    return check_parity(use_case, work_of(use_case), model, served, rows.training, rows.held_out)


def own_pipeline(use_case: UseCase, rows: Rows, predictor: Any) -> Pipeline:
    """A pipeline as people write it, fitted on the rows as pandas reads them."""
    columns: dict[str, Any] = {}
    texts: list[str] = []
    numbers: list[str] = []
    for each in use_case.inputs:
        values = rows.training.columns[each.name]
        whole = isinstance(each, CategoryFeature) and all(isinstance(value, int) for value in each.categories)
        of_numbers = whole or values.dtype == np.float64
        (numbers if of_numbers else texts).append(each.name)
        columns[each.name] = values.astype(float) if of_numbers else pd.Series(values, dtype=object)
    encode = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    scale = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    parts = [("numbers", scale, numbers), *([("texts", encode, texts)] if texts else [])]
    pipeline = Pipeline([("columns", ColumnTransformer(parts)), ("predict", predictor)])
    return pipeline.fit(pd.DataFrame(columns), rows.training.targets)


def said(kind: str, way: str, name: str, parity: Parity | str) -> str:
    if isinstance(parity, str):
        return f"| {kind} | {way} | {name} | refused: {parity} | | |"
    return f"| {kind} | {way} | {name} | {parity.rows:,} | {parity.differing_classes} | {parity.max_difference:.1e} |"


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", [*TRAINED, *IMPORTED])
def test_every_kind_answers_alike_or_is_refused_with_the_reason(kind: str, name: str) -> None:
    use_case, rows = table(name)
    try:
        if kind in IMPORTED:
            pipeline, stream = own_pipeline(use_case, rows, IMPORTED[kind][use_case.is_regression]()), io.BytesIO()
            joblib.dump(pipeline, stream)
            with opened_model(use_case, "model.joblib", stream.getvalue(), rows.held_out) as model:
                found: Parity | str = parity_of(use_case, rows, model)
        else:
            linear = "ridge" if use_case.is_regression else "logistic_regression"
            choice = Choice(linear if kind == "linear" else kind)  # type: ignore[arg-type]
            found = parity_of(use_case, rows, fit(use_case, rows.training, choice))
    except ModelError as refusal:
        found = str(refusal)
    print("\n" + said(kind, "imported" if kind in IMPORTED else "trained", name, found))
    assert isinstance(found, str) or (found.differing_classes, found.max_difference <= 1e-6) == (0, True)
    if kind not in ("nearest neighbours", "neural network"):  # whose converters compute in 32 bits
        assert isinstance(found, Parity)


def test_lightgbm_with_categories_and_missing_values_on_a_million_rows() -> None:
    rng = np.random.default_rng(7)
    learned, rows = 20_000, 1_000_000

    def drawn(count: int) -> np.ndarray[Any, Any]:
        table = rng.normal(size=(count, 8)).round(3)
        table[:, 1], table[:, 2] = rng.integers(0, 120, count), rng.integers(0, 6, count)
        table[:, 3] = np.where(rng.random(count) < 0.5, 0, table[:, 3])
        table[rng.random(table.shape) < 0.1] = np.nan
        return table

    seen = drawn(learned)
    known = np.nan_to_num(seen)
    targets = known[:, 0] + (known[:, 1] % 7 == 0) + (known[:, 2] == 2) + rng.normal(size=learned) * 0.5 > 0.6
    settings: dict[str, Any] = {"n_estimators": 300, "verbose": -1, "categorical_column": [1, 2], "n_jobs": 2}
    model = LGBMClassifier(**settings).fit(seen, targets)
    score, differing, largest = exported(model), 0, 0.0
    for _ in range(10):
        piece = drawn(rows // 10)
        again = rng.random(piece.shape) < 0.5  # values that were seen lie next to thresholds
        piece[again] = seen[rng.integers(0, learned, piece.shape), np.arange(piece.shape[1])][again]
        original, answers = np.asarray(model.predict_proba(piece)), score(piece)
        differing += int((original.argmax(axis=1) != answers.argmax(axis=1)).sum())
        largest = max(largest, float(np.abs(original - answers).max()))
    print(
        f"\nLightGBM, {rows:,} rows, onnxruntime {onnxruntime.__version__}: {differing} classes differ, {largest:.1e}"
    )
    assert (differing, largest <= 1e-6) == (0, True)
