"""Exported models, run by ONNX Runtime: no scikit-learn, no pandas, no pickle."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tabserve.core.errors import IncompatibleModelError
from tabserve.core.records import Value
from tabserve.registry.version import Interval

PROBABILITIES: Final = "probabilities"
VALUES: Final = "values"
Columns = Mapping[str, Sequence[Value] | NDArray[Any]]
TEXT: Final = "tensor(string)"
NUMBER: Final = "tensor(double)"
ONNX_ERRORS: Final = (
    onnxruntime.capi.onnxruntime_pybind11_state.Fail,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf,
    onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented,
    onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException,
)


class OnnxModel:
    """One model version: an input per column, and probabilities in the use case's class order, or a number."""

    def __init__(
        self,
        body: bytes,
        version: str,
        model_sha256: str,
        *,
        threshold: float | None = None,
        interval: Interval | None = None,
    ) -> None:
        self.version = version
        self.model_sha256 = model_sha256
        self.threshold = threshold
        self.interval = interval
        self._session = _session(body, version)
        self._inputs = {port.name: port.type for port in self._session.get_inputs()}
        outputs = {port.name for port in self._session.get_outputs()}
        if not outputs & {PROBABILITIES, VALUES}:
            raise IncompatibleModelError(f"Model version {version!r} has no output {PROBABILITIES!r} or {VALUES!r}.")
        self._output = PROBABILITIES if PROBABILITIES in outputs else VALUES

    @property
    def columns(self) -> Mapping[str, str]:
        """The input columns and their tensor types."""
        return self._inputs

    def score(self, columns: Columns, rows: int) -> NDArray[np.float64]:
        """Score inputs given by column; return probabilities (rows, classes), or numbers (rows, 1)."""
        feeds = {name: _tensor(kind, columns[name], rows) for name, kind in self._inputs.items()}
        answers: NDArray[np.float64] = self._session.run([self._output], feeds)[0]
        return answers


def _session(body: bytes, version: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except ONNX_ERRORS as error:
        raise IncompatibleModelError(f"Model version {version!r} cannot be loaded: {error}") from error


def _tensor(kind: str, values: Sequence[Value] | NDArray[Any], rows: int) -> NDArray[Any]:
    if kind == NUMBER:
        return np.asarray(values, dtype=np.float64).reshape(rows, 1)
    texts = {value: "" if value is None else str(value) for value in set(values)}
    return np.array(list(map(texts.__getitem__, values)), dtype=object).reshape(rows, 1)
