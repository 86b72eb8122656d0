"""Models that were made elsewhere are taken with the same answers."""

import io
import pickle
from typing import Any

import joblib
import numpy as np
import onnx
import pandas as pd
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from skops import io as skops

from tabserve.core.errors import ImportRefusedError
from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.training.cells import Plain
from tabserve.training.importing import import_model
from tabserve.training.opening import opened
from tabserve.training.service import Rows
from tests.definitions import CATALOG
from tests.model.conftest import dependencies, rows_of

TITANIC, IRIS = CATALOG.get("titanic"), CATALOG.get("iris")
pytestmark = pytest.mark.timeout(240)


def frame(name: str) -> tuple[pd.DataFrame, NDArray[Any]]:
    """The rows to learn from as pandas reads them."""
    use_case, rows = CATALOG.get(name), rows_of(name).training
    columns: dict[str, Any] = {}
    for each in use_case.inputs:
        values = rows.columns[each.name]
        whole = each.type == "category" and all(isinstance(value, int) for value in each.categories)
        columns[each.name] = values.astype(float) if whole or values.dtype == float else pd.Series(values, dtype=object)
    return pd.DataFrame(columns), rows.targets


def encoded(encoder: Any, predictor: Any) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), encoder)
    columns = [("numbers", numbers, ["Fare", "Age"]), ("texts", texts, ["Sex", "Embarked"])]
    return Pipeline([("columns", ColumnTransformer(columns, remainder="passthrough")), ("predict", predictor)])


def logistic() -> Pipeline:
    rows, targets = frame("titanic")
    turned = rows[rows.columns[::-1]]
    return encoded(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(turned, targets)


def dumped(model: object) -> bytes:
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()


def held_out(name: str) -> Rows:
    rows = rows_of(name).held_out
    return Rows(rows, rows, "d" * 64)


def open_here(use_case: UseCase, body: bytes, name: str = "model.joblib") -> Any:
    """Open a model of our own in this process."""
    rows = rows_of(use_case.name).held_out
    plain = Plain(use_case, rows.columns)
    return opened(name, body, use_case, {each: plain[each] for each in use_case.input_names}, rows.targets)


def test_a_pipeline_is_registered_with_its_own_answers(empty_registry: Registry) -> None:
    model, said = logistic(), list[str]()
    deps = dependencies(empty_registry)
    done = import_model(TITANIC, "m.joblib", dumped(model), held_out("titanic"), deps, progress=said.append)
    metadata = done.metadata
    assert (metadata.source, metadata.estimator, metadata.rows_trained) == ("imported", "LogisticRegression", 0)
    assert metadata.parity.differing_classes == 0
    assert metadata.parity.max_difference < 1e-12
    assert metadata.parity.rows > 100_000
    assert "model.joblib" not in metadata.files
    rows = rows_of("titanic").held_out
    answers = empty_registry.load(TITANIC, metadata.version).score(rows.columns, len(rows))
    assert metadata.metrics["accuracy"].value == pytest.approx(np.mean(answers.argmax(axis=1) == rows.targets))
    assert "the model's columns come in another order; they are given by name" in said


def test_skops_and_pickle_are_the_same_model() -> None:
    rows = rows_of("titanic").held_out
    plain = Plain(TITANIC, rows.columns)
    found = [
        open_here(TITANIC, body, name).score(plain, len(rows))
        for name, body in (("a.skops", skops.dumps(logistic())), ("a.pkl", pickle.dumps(logistic())))
    ]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("kind", ["matrix", "columns"])
def test_an_onnx_file_answers_as_it_does_alone(kind: str, empty_registry: Registry) -> None:
    rows, targets = frame("iris")
    model = LogisticRegression().fit(rows.to_numpy(), targets)
    sample = rows.to_numpy().astype(np.float32)[:1]
    if kind == "columns":
        whole = Pipeline([("columns", ColumnTransformer([("all", "passthrough", list(rows.columns))])), ("p", model)])
        whole.fit(rows, targets)
        exported = to_onnx(whole, rows[:1].astype(np.float32))
    else:
        exported = to_onnx(model, sample)
    deps = dependencies(empty_registry)
    metadata = import_model(IRIS, "m.onnx", exported.SerializeToString(), held_out("iris"), deps).metadata
    assert (metadata.parity.differing_classes, metadata.parity.max_difference) == (0, 0)
    assert metadata.metrics["accuracy"].value > 0.9


def test_histogram_boosting_with_encoded_categories_and_missing_values() -> None:
    rows, targets = frame("titanic")
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer([("codes", codes, ["Sex", "Embarked"])], remainder="passthrough")
    boosting = HistGradientBoostingClassifier(categorical_features=[0, 1], max_iter=10)
    model = open_here(TITANIC, dumped(Pipeline([("c", columns), ("p", boosting)]).fit(rows, targets)))
    assert onnx.load_from_string(model.export()).graph.input[0].type.tensor_type.elem_type == TensorProto.STRING


def test_classes_come_in_the_definitions_order() -> None:
    rows, targets = frame("iris")
    names = np.array(IRIS.target.texts)[targets]
    turned = IRIS.model_copy(
        update={"target": IRIS.target.model_copy(update={"classes": ("virginica", "setosa", "versicolor")})}
    )
    body = dumped(LogisticRegression().fit(rows, names))
    plain = Plain(IRIS, rows_of("iris").held_out.columns)
    straight = open_here(IRIS, body).score(plain, 45)
    held = rows_of("iris").held_out
    other = opened("m.joblib", body, turned, dict(plain), held.targets)
    np.testing.assert_array_equal(other.score(plain, 45), straight[:, [2, 0, 1]])


def test_numbered_classes_are_taken_in_the_alphabets_order_alone() -> None:
    rows, targets = frame("iris")
    body = dumped(LogisticRegression().fit(rows, targets))
    assert "the model numbers its classes; taken as the definition's in their order" in open_here(IRIS, body).notes[0]
    turned = IRIS.model_copy(
        update={"target": IRIS.target.model_copy(update={"classes": ("virginica", "setosa", "versicolor")})}
    )
    plain = Plain(IRIS, rows_of("iris").held_out.columns)
    with pytest.raises(ImportRefusedError, match="was a label encoder left outside the pipeline"):
        opened("m.joblib", body, turned, dict(plain), rows_of("iris").held_out.targets)


def test_forests_with_several_threads_add_up_in_one_order() -> None:
    rows, targets = frame("iris")
    model = open_here(IRIS, dumped(RandomForestClassifier(10, n_jobs=2, random_state=0).fit(rows, targets)))
    assert model._model.n_jobs == 1
