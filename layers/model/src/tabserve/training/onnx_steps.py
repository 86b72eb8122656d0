"""ONNX operators, added one after the other to what skl2onnx writes."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

CONVERTER_OPSET: Final = 3  # the newest the converter accepts
ML_OPSET: Final = 5  # the first with 64-bit ensembles; the finished model is declared to be of it
ML: Final = "ai.onnx.ml"
Kind = type[np.floating[Any]]
TYPES: Final[Mapping[type[np.generic], int]] = {
    np.float32: TensorProto.FLOAT,
    np.float64: TensorProto.DOUBLE,
    np.int64: TensorProto.INT64,
    np.bool_: TensorProto.BOOL,
}


class Steps:
    """Adds operators, each of which gives one output."""

    def __init__(self, scope: Any, container: Any) -> None:  # noqa: ANN401  skl2onnx has no types
        self._scope = scope
        self._container = container

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:  # noqa: ANN401
        """Add an operator; return the name of its output."""
        name = output or self._scope.get_unique_variable_name(operator)
        self._container.add_node(operator, list(inputs), name, **attributes)
        return name

    def constant(self, values: Any) -> str:  # noqa: ANN401
        """Add a constant of an array's type; return its name."""
        array = np.asarray(values)
        name: str = self._scope.get_unique_variable_name("constant")
        kind = TensorProto.STRING if array.dtype.kind in "OU" else TYPES[array.dtype.type]
        content = array.ravel().tolist()
        listed = [text.encode() for text in content] if kind == TensorProto.STRING else content
        self._container.add_initializer(name, kind, array.shape, listed)
        return name

    def cast(self, value: str, kind: Kind) -> str:
        """Add a cast."""
        return self.add("Cast", value, to=TYPES[kind])

    def place(self, value: str, keys: NDArray[Any]) -> str:
        """Add a look-up of texts or numbers among keys: their places, and the number of keys for any other."""
        texts = keys.dtype.kind in "OU"
        return self.add(
            "LabelEncoder",
            value,
            op_domain=ML,
            op_version=2,
            default_int64=len(keys),
            **(
                {"keys_strings": keys.tolist(), "values_int64s": list(range(len(keys)))}
                if texts
                else {
                    "keys_tensor": numpy_helper.from_array(keys.astype(np.float64)),
                    "values_tensor": numpy_helper.from_array(np.arange(len(keys), dtype=np.int64)),
                    "default_tensor": numpy_helper.from_array(np.array([len(keys)], dtype=np.int64)),
                }
            ),
        )

    def looked_up(self, value: str, keys: NDArray[Any], table: NDArray[np.float64]) -> str:
        """Add a table's rows in the place of keys, of shape (rows, 1); any other gets the last row."""
        rows = self.add("Gather", self.constant(table), self.place(value, keys), axis=0)
        return self.add("Reshape", rows, self.constant(np.array([-1, table.shape[1]])))
