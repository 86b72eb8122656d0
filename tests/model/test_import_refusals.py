"""Models that were made elsewhere and do not fit, or do harm, are refused with one sentence; nothing is half done."""

import os
import pickle
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import sklearn.base
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from skops import io as skops

from tabserve.core.errors import ImportRefusedError, ModelError
from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.training import sandbox
from tabserve.training.importing import CHILD, import_model
from tests.model.conftest import dependencies, rows_of
from tests.model.test_import import IRIS, dumped, frame, held_out, open_here

pytestmark = pytest.mark.timeout(240)


def open_there(body: bytes, name: str = "model.pkl", seconds: float = 60, use_case: UseCase = IRIS) -> Any:
    """Open any model in a child process."""
    rows = rows_of(use_case.name).held_out
    columns = {each: rows.columns[each].tolist() for each in use_case.input_names}
    with sandbox.Sandbox(CHILD, seconds) as child:
        return child.ask(
            "open",
            body,
            name=name,
            definition=use_case.model_dump(mode="json", by_alias=True),
            columns=columns,
            targets=rows.targets.tolist(),
        )


class Doubled(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, rows: Any, targets: Any = None) -> "Doubled":
        self.fitted_ = True
        return self

    def transform(self, rows: Any) -> Any:
        return rows * 2


def other_columns() -> bytes:
    rows, targets = frame("iris")
    return dumped(LogisticRegression().fit(rows.rename(columns={"PetalWidthCm": "petal width"}), targets))


def fewer_columns_without_names() -> bytes:
    rows, targets = frame("iris")
    return dumped(LogisticRegression().fit(rows.to_numpy()[:, :3], targets))


def other_classes() -> bytes:
    rows, targets = frame("iris")
    return dumped(LogisticRegression().fit(rows, np.array(["a", "b", "c"])[targets]))


def without_probabilities() -> bytes:
    rows, targets = frame("iris")
    return dumped(LinearSVC().fit(rows, targets))


def of_another_version() -> bytes:
    rows, targets = frame("iris")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.base, "__version__", "1.2.2")
        return dumped(LogisticRegression().fit(rows, targets))


def with_a_custom_step() -> bytes:
    rows, targets = frame("iris")
    return dumped(
        Pipeline([("doubled", Doubled()), ("p", LogisticRegression(max_iter=1_000))]).fit(rows.to_numpy(), targets)
    )


def cut_short() -> bytes:
    return dumped(LogisticRegression().fit(*frame("iris")))[:-60]


def no_classifier() -> bytes:
    return dumped(StandardScaler().fit(frame("iris")[0]))


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (other_columns, "needs the column 'petal width', which iris does not define; it has SepalLengthCm"),
        (fewer_columns_without_names, "takes 3 columns without names, and iris defines 4"),
        (other_classes, r"answers other classes \(a, b, c\) than the definition \(setosa, versicolor, virginica\)"),
        (without_probabilities, "LinearSVC gives no probabilities; wrap it in scikit-learn's CalibratedClassifierCV"),
        (of_another_version, "was saved by scikit-learn 1.2.2, and .* is installed; save it again"),
        (cut_short, "is no whole file of joblib, pickle or skops"),
        (no_classifier, "StandardScaler predicts no classes, and iris is a multiclass_classification"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(made: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(ImportRefusedError, match=reason):
        open_here(IRIS, made())


def test_a_custom_step_is_refused() -> None:
    elsewhere = "nobodys.model.elsewhere".ljust(len(__name__), "_")  # a pickle knows how long names are
    with pytest.raises(ImportRefusedError, match="a custom step, or a package that is not installed, has no exact"):
        open_there(with_a_custom_step().replace(__name__.encode(), elsewhere.encode()))
    with pytest.raises(ModelError, match=r"LogisticRegression has no exact export: .*Doubled"):
        open_here(IRIS, with_a_custom_step()).export()


def test_a_model_that_answers_nan_is_refused() -> None:
    model = LogisticRegression().fit(*frame("iris"))
    model.coef_ = model.coef_ * np.nan
    with pytest.raises(ImportRefusedError, match="answers NaN to 45 of 45 held-out rows"):
        open_here(IRIS, dumped(model))


def test_skops_files_of_unknown_types_are_not_opened() -> None:
    body = skops.dumps(Pipeline([("d", Doubled()), ("p", LogisticRegression())]))
    with pytest.raises(ImportRefusedError, match=r"holds types of no known library, so it is not opened: .*Doubled"):
        open_here(IRIS, body, "m.skops")


class Runs:
    """A pickle that calls a function when it is opened."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


def test_a_pickle_sees_no_environment_and_reaches_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    seen = tmp_path / "seen"
    with pytest.raises(ImportRefusedError):
        open_there(pickle.dumps(Runs(os.system, f"env > {seen}; echo not an answer")))
    assert "AWS" not in seen.read_text()
    assert "HOME=/" in seen.read_text()
    server = socket.create_server(("127.0.0.1", 0))
    with sandbox.Sandbox(CHILD, 60) as child:
        closed = child.closed
    if closed:
        with pytest.raises(ImportRefusedError, match=r"The model cannot be used: .*refused|unreachable"):
            open_there(pickle.dumps(Runs(socket.create_connection, server.getsockname())))
    server.close()


def test_a_pickle_that_does_not_end_is_stopped() -> None:
    with pytest.raises(ImportRefusedError, match="took more than 8 s to load or to answer, and was stopped"):
        open_there(pickle.dumps(Runs(time.sleep, 10_000)), seconds=8)


@pytest.mark.parametrize("hostile", [Runs(os._exit, 0), Runs(os.kill, 0, 9)])
def test_a_pickle_that_ends_its_process_is_refused(hostile: Runs) -> None:
    with pytest.raises(ImportRefusedError, match="The model's process ended by itself"):
        open_there(pickle.dumps(hostile))


def test_a_pickle_that_takes_all_memory_is_refused() -> None:
    with pytest.raises(ImportRefusedError, match="more memory than its process may have"):
        open_there(pickle.dumps(Runs(bytearray, 2**36)))


def onnx_file(change: Callable[[onnx.ModelProto], None]) -> bytes:
    rows, targets = frame("iris")
    model = to_onnx(LogisticRegression().fit(rows.to_numpy(), targets), rows.to_numpy().astype(np.float32)[:1])
    change(model)
    body: bytes = model.SerializeToString()
    return body


def read_elsewhere(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.zeros(1, dtype=np.float32), "more")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    model.graph.initializer.append(tensor)


def own_operator(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Steal", ["X"], ["stolen"], domain="of.somebody"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (read_elsewhere, "keeps data in other files, which are not read"),
        (own_operator, "needs operators of of.somebody, which the functions do not have"),
        (lambda model: model.graph.node.pop(), "gives no probabilities|cannot be loaded"),
    ],
)
def test_hostile_onnx_files_are_refused(change: Callable[[onnx.ModelProto], None], reason: str) -> None:
    with pytest.raises(ImportRefusedError, match=reason):
        open_here(IRIS, onnx_file(change), "m.onnx")


def test_what_is_no_onnx_file_is_refused() -> None:
    with pytest.raises(ImportRefusedError, match=r"m\.onnx is no whole ONNX file"):
        open_here(IRIS, b"nothing of the kind", "m.onnx")


def test_what_was_refused_leaves_nothing_behind(empty_registry: Registry) -> None:
    with pytest.raises(ImportRefusedError):
        import_model(IRIS, "m.joblib", other_classes(), held_out("iris"), dependencies(empty_registry))
    assert empty_registry.versions("iris") == []
    assert empty_registry.aliases("iris") == {}
