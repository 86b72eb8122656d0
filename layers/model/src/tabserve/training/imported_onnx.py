"""An ONNX file of somebody else: how it reads rows, and the same graph as the functions load it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.compose import add_prefix

from tabserve.core.errors import ImportRefusedError
from tabserve.core.features import CategoryFeature, InputFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import ONNX_ERRORS, PROBABILITIES, VALUES
from tabserve.training.imported_model import class_order, require_columns

DOMAINS: Final = ("", "ai.onnx", "ai.onnx.ml")
OWN: Final = "own/"  # before the file's own names
NUMBERS: Final[Mapping[int, Any]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.INT64: np.int64,
}
Columns = Mapping[str, Sequence[Value]]


class OpenedOnnx:
    """A graph that takes one matrix of numbers or one input a column, and gives probabilities or values."""

    estimator: Final = "onnx"

    def __init__(self, name: str, body: bytes, use_case: UseCase) -> None:
        self._use_case = use_case
        self._model = _parsed(name, body)
        graph = self._model.graph
        constants = {tensor.name for tensor in graph.initializer}
        self._inputs = {p.name: p.type.tensor_type.elem_type for p in graph.input if p.name not in constants}
        self.notes: list[str] = []
        self._names = self._columns_of(graph)
        self._answer, classes = _answer(graph, regression=use_case.is_regression)
        self._session = _session(name, self._model)
        self._order: list[int] = []
        if not use_case.is_regression:
            count = classes or [str(place) for place in range(len(use_case.target.classes))]
            self._order, notes = class_order(use_case, count)
            self.notes += notes

    def score(self, columns: Columns, rows: int) -> NDArray[np.float64]:
        """Return the file's own answers."""
        given = {name: self._given(name, columns, rows) for name in self._names}
        if self._matrix:
            ((port, kind),) = self._inputs.items()
            given = {port: np.concatenate([*given.values()], axis=1).astype(NUMBERS[kind])}
        answers = np.asarray(self._session.run([self._answer], given)[0], dtype=np.float64)
        answers = answers.reshape(rows, -1)
        if self._use_case.is_regression:
            return answers
        if answers.shape[1] != len(self._order):
            raise ImportRefusedError(
                f"The file gives {answers.shape[1]} probabilities a row; the definition has {len(self._order)} classes."
            )
        return answers[:, self._order]

    def export(self) -> bytes:
        """Return the same graph with one input a column, and its answer in 64 bits."""
        model = add_prefix(self._model, OWN)
        graph = model.graph
        nodes: list[NodeProto] = []
        pieces = [self._converted(self._feature(name), nodes) for name in self._names]
        if self._matrix:
            ((port, kind),) = self._inputs.items()
            nodes.append(helper.make_node("Concat", pieces, ["columns"], axis=1))
            nodes.append(helper.make_node("Cast", ["columns"], [OWN + port], to=kind))
        answer = VALUES if self._use_case.is_regression else PROBABILITIES
        last = [helper.make_node("Cast", [OWN + self._answer], ["in 64 bits"], to=TensorProto.DOUBLE)]
        width = 1 if self._use_case.is_regression else len(self._order)
        graph.initializer.append(numpy_helper.from_array(np.array([-1, width]), "answers' shape"))
        last.append(helper.make_node("Reshape", ["in 64 bits", "answers' shape"], ["as rows"]))
        if self._use_case.is_regression:
            last.append(helper.make_node("Identity", ["as rows"], [answer]))
        else:
            graph.initializer.append(numpy_helper.from_array(np.array(self._order, dtype=np.int64), "class order"))
            last.append(helper.make_node("Gather", ["as rows", "class order"], [answer], axis=1))
        kept = [node for node in graph.node if node.op_type != "ZipMap"]
        ports = [
            helper.make_tensor_value_info(
                each.name, TensorProto.STRING if isinstance(each, CategoryFeature) else TensorProto.DOUBLE, [None, 1]
            )
            for each in self._use_case.inputs
        ]
        output = helper.make_tensor_value_info(answer, TensorProto.DOUBLE, [None, width])
        whole = helper.make_graph([*nodes, *kept, *last], self._use_case.name, ports, [output], graph.initializer)
        made = helper.make_model(whole, opset_imports=model.opset_import, ir_version=model.ir_version)
        body: bytes = made.SerializeToString(deterministic=True)
        return body

    @property
    def _matrix(self) -> bool:
        """Whether the file takes all columns in one input."""
        return len(self._inputs) == 1 and [*self._inputs] != list(self._names)

    def _columns_of(self, graph: GraphProto) -> Sequence[str]:
        names, inputs = [*self._inputs], self._use_case.input_names
        if len(names) > 1 or (len(names) == 1 and names[0] in inputs):
            self.notes += require_columns(self._use_case, names)
            return names
        if not names or self._inputs[names[0]] not in NUMBERS:
            raise ImportRefusedError("The file takes no input of numbers; give it one of shape (rows, columns).")
        shape = [each.dim_value for each in graph.input[0].type.tensor_type.shape.dim]
        if len(shape) == 2 and shape[1] not in (0, len(inputs)):
            raise ImportRefusedError(
                f"The file takes {shape[1]} columns, and {self._use_case.name} defines {len(inputs)}: "
                f"{', '.join(inputs)}."
            )
        self.notes.append(f"the file knows no names of columns; it is given {', '.join(inputs)} in this order")
        return inputs

    def _feature(self, name: str) -> InputFeature:
        return next(each for each in self._use_case.inputs if each.name == name)

    def _kind(self, name: str) -> int:
        kind: int = self._inputs.get(name, TensorProto.DOUBLE)
        return kind

    def _given(self, name: str, columns: Columns, rows: int) -> NDArray[Any]:
        feature, kind, values = self._feature(name), self._kind(name), columns[name]
        if kind == TensorProto.STRING:
            return np.array(["" if v is None else str(v) for v in values], dtype=object).reshape(rows, 1)
        if isinstance(feature, CategoryFeature):
            known = _numbers_of(feature)
            return np.array([known.get(str(v), np.nan) for v in values], dtype=NUMBERS[kind]).reshape(rows, 1)
        return (
            np.array([np.nan if v is None else v for v in values], dtype=np.float64)
            .astype(NUMBERS[kind])
            .reshape(rows, 1)
        )

    def _converted(self, feature: InputFeature, nodes: list[NodeProto]) -> str:
        """Add what makes of a definition's column what the file takes; return its name."""
        kind, name, target = self._kind(feature.name), feature.name, OWN + feature.name
        if isinstance(feature, CategoryFeature) and kind != TensorProto.STRING:
            known = _numbers_of(feature)
            attributes: dict[str, Any] = {
                "keys_strings": [*known],
                "values_floats": [*known.values()],
                "default_float": float("nan"),
            }
            nodes.append(
                helper.make_node("LabelEncoder", [name], [f"{name} as number"], domain="ai.onnx.ml", **attributes)
            )
            name = f"{name} as number"
        nodes.append(helper.make_node("Cast", [name], [target], to=kind))
        return target


def _numbers_of(feature: CategoryFeature) -> dict[str, float]:
    if not feature.categories or not all(isinstance(each, int) for each in feature.categories):
        raise ImportRefusedError(f"The file takes {feature.name!r} as a number, and the definition has texts for it.")
    return {text: float(text) for text in feature.texts}


def _parsed(name: str, body: bytes) -> ModelProto:
    try:
        model = onnx.load_from_string(body)
        graph = model.graph
    except Exception as error:
        raise ImportRefusedError(f"{name} is no whole ONNX file; export it again.") from error
    if not graph.node:
        raise ImportRefusedError(f"{name} is no whole ONNX file: it computes nothing.")
    if any(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data for tensor in _tensors(graph)):
        raise ImportRefusedError(f"{name} keeps data in other files, which are not read; save it as one file.")
    domains = {node.domain for node in _nodes(graph)} | {each.domain for each in model.opset_import}
    if strange := sorted(domains.difference(DOMAINS)):
        raise ImportRefusedError(f"{name} needs operators of {', '.join(strange)}, which the functions do not have.")
    if model.functions:
        raise ImportRefusedError(f"{name} defines functions of its own; export it with plain operators.")
    return model


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _nodes(inner)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in _nodes(graph):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from inner.initializer


def _answer(graph: GraphProto, *, regression: bool) -> tuple[str, list[Any]]:
    """Return the name of the output and, where the file knows them, its classes; take a ZipMap off."""
    if regression:
        return graph.output[0].name, []
    classes = [_classes(node) for node in graph.node]
    known = next((found for found in classes if found), [])
    for node in graph.node:
        if node.op_type == "ZipMap":
            known = _classes(node) or known
            del graph.output[:]
            graph.output.append(helper.make_tensor_value_info(node.input[0], TensorProto.FLOAT, None))
            graph.node.remove(node)
            break
    floats = [p.name for p in graph.output if p.type.tensor_type.elem_type in (TensorProto.FLOAT, TensorProto.DOUBLE)]
    if not floats:
        raise ImportRefusedError("The file gives no probabilities, only classes; export it with them.")
    return floats[-1], known


def _classes(node: NodeProto) -> list[Any]:
    found = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if texts := found.get("classlabels_strings"):
        return [text.decode() for text in texts]
    return list(found.get("classlabels_int64s") or found.get("classlabels_ints") or ())


def _session(name: str, model: ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except ONNX_ERRORS as error:
        raise ImportRefusedError(f"{name} cannot be loaded: {str(error).splitlines()[0][:300]}") from error
