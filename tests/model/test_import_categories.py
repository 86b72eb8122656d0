"""Boosting that was trained on pandas columns of dtype category keeps its own categories."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from xgboost import XGBClassifier

from tabserve.core.errors import ImportRefusedError
from tabserve.registry.store import Registry
from tabserve.training.importing import import_model
from tests.definitions import CATALOG
from tests.model.conftest import dependencies, rows_of
from tests.model.test_import import dumped, frame, held_out, open_here

pytestmark = pytest.mark.timeout(240)
SHIPPED = CATALOG.get("titanic")
TITANIC = SHIPPED.model_copy(update={"training": SHIPPED.training.model_copy(update={"acceptance": {}})})
# The order of the levels is neither the alphabet's nor the definition's, and one is never seen.
LEVELS = {"Sex": ["male", "female"], "Embarked": ["S", "Q", "C"]}
BOOSTING: dict[str, Any] = {
    "LightGBM": lambda: LGBMClassifier(n_estimators=20, min_child_samples=5, verbose=-1, n_jobs=1),
    "XGBoost": lambda: XGBClassifier(n_estimators=20, enable_categorical=True, n_jobs=1),
    "histograms": lambda: HistGradientBoostingClassifier(max_iter=20, categorical_features="from_dtype"),
}


def rows_with_categories(*, classes_as_numbers: bool = True) -> tuple[pd.DataFrame, Any]:
    rows, targets = frame("titanic")
    for name, levels in LEVELS.items():
        rows[name] = pd.Categorical(rows[name], categories=levels)
    if not classes_as_numbers:
        rows["Pclass"] = pd.Categorical(rows["Pclass"].astype(int), categories=[3, 1, 2])
    return rows[rows.columns[::-1]], targets


@pytest.mark.parametrize("kind", BOOSTING)
@pytest.mark.parametrize("classes_as_numbers", [True, False])
def test_categories_are_the_models_own(kind: str, classes_as_numbers: bool, empty_registry: Registry) -> None:
    rows, targets = rows_with_categories(classes_as_numbers=classes_as_numbers)
    model = BOOSTING[kind]().fit(rows, targets)
    said: list[str] = []
    deps = dependencies(empty_registry)
    metadata = import_model(
        TITANIC, "m.joblib", dumped(model), held_out("titanic"), deps, progress=said.append
    ).metadata
    assert (metadata.parity.differing_classes, metadata.parity.max_difference <= 1e-6) == (0, True)
    assert "categories are given as pandas columns of dtype category" in " ".join(said)

    held = rows_of("titanic").held_out
    asked = pd.DataFrame({name: pd.Series(held.columns[name], dtype=object) for name in rows.columns})
    for name, kept in rows.dtypes.items():
        asked[name] = asked[name].astype(kept) if name != "Pclass" else asked[name].astype(int).astype(kept)
    answers = empty_registry.load(TITANIC, metadata.version).score(held.columns, len(held))
    np.testing.assert_allclose(answers, model.predict_proba(asked), atol=1e-6)


@pytest.mark.parametrize("kind", BOOSTING)
def test_a_category_that_was_never_seen_is_missing(kind: str) -> None:
    rows, targets = rows_with_categories()
    seen = (rows["Embarked"] != "Q").to_numpy()
    rows = rows[seen].assign(Embarked=rows["Embarked"][seen].cat.remove_categories(["Q"]))
    model = open_here(TITANIC, dumped(Pipeline([("model", BOOSTING[kind]())]).fit(rows, targets[seen])))
    record: dict[str, list[Any]] = {
        "Pclass": ["1"],
        "Sex": ["female"],
        "Age": [38.0],
        "Fare": [71.0],
        "Embarked": ["Q"],
    }
    unseen, missing = (model.score({**record, "Embarked": [text]}, 1).tolist() for text in ("Q", None))
    assert unseen == missing


def test_a_number_of_the_definition_is_no_category() -> None:
    rows, targets = rows_with_categories()
    rows["Fare"] = pd.Categorical(rows["Fare"].round())
    body = dumped(BOOSTING["LightGBM"]().fit(rows, targets))
    with pytest.raises(ImportRefusedError, match="takes 'Fare' as a category, and the definition says it is a number"):
        open_here(TITANIC, body)


def test_categories_that_lightgbm_was_not_told_of_are_refused() -> None:
    rows, targets = rows_with_categories()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LightGBM's own, about what is asked for here
        model = LGBMClassifier(n_estimators=5, verbose=-1).fit(rows, targets, categorical_feature=["Sex"])
    with pytest.raises(ImportRefusedError, match="given 2 columns of dtype category and told of 1"):
        open_here(TITANIC, dumped(model))
