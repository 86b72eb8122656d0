"""A scikit-learn pipeline as an ONNX model: the same answers, and the same bytes each time."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from tabserve.core.features import CategoryFeature, InputFeature
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import PROBABILITIES, VALUES
from tabserve.training.onnx_encoders import register_encoders
from tabserve.training.onnx_ensembles import register_ensembles
from tabserve.training.onnx_steps import CONVERTER_OPSET, ML_OPSET

OPSET: Final = {"": 18, "ai.onnx.ml": CONVERTER_OPSET}


@dataclass(frozen=True, slots=True)
class Column:
    """A column as a pipeline takes it: numbers or texts; or texts that stand for `numbers`, any other being missing."""

    name: str
    kind: type
    numbers: Mapping[str, float] = field(default_factory=dict)


def export(use_case: UseCase, pipeline: Pipeline) -> bytes:
    """Convert a fitted pipeline; the model has one input per feature and one output: probabilities, or values."""
    kinds = {feature.name: _kind(feature) for feature in use_case.inputs}
    return export_columns(use_case, pipeline, [Column(name, kind) for name, kind in kinds.items()])


def export_columns(
    use_case: UseCase, pipeline: Pipeline, columns: Sequence[Column], classes: Sequence[int] = ()
) -> bytes:
    """Convert a fitted pipeline of some of the columns; `classes` are the places of the definition's among its own."""
    register_encoders()
    register_ensembles()
    model = convert_sklearn(
        pipeline,
        name=use_case.name,
        initial_types=[(column.name, column.kind([None, 1])) for column in columns],
        options={} if use_case.is_regression else {id(pipeline.steps[-1][1]): {"zipmap": False}},
        target_opset=OPSET,
    )
    _name_inputs(model.graph, [column.name for column in columns])
    if use_case.is_regression:
        _name_output(model.graph)
    for column in columns:
        if column.numbers:
            take_texts(model.graph, column)
    if [*classes] != sorted(classes):
        reorder(model.graph, classes)
    present = {port.name for port in model.graph.input}
    for feature in use_case.inputs:
        if feature.name not in present:
            kind = TensorProto.STRING if _kind(feature) is StringTensorType else TensorProto.DOUBLE
            model.graph.input.append(helper.make_tensor_value_info(feature.name, kind, [None, 1]))
    return canonical(model, VALUES if use_case.is_regression else PROBABILITIES)


def canonical(model: ModelProto, answer: str) -> bytes:
    """Return the bytes of a model that depend on its computation alone."""
    _make_canonical(model, answer)
    body: bytes = model.SerializeToString(deterministic=True)
    return body


def _kind(feature: InputFeature) -> type:
    kind: type = StringTensorType if isinstance(feature, CategoryFeature) else DoubleTensorType
    return kind


def take_texts(graph: GraphProto, column: Column) -> None:
    """Have a column come as texts and stand for numbers."""
    inner = f"{column.name}#number"
    for node in graph.node:
        node.input[:] = [inner if name == column.name else name for name in node.input]
    texts, numbers = [*column.numbers], np.array([*column.numbers.values()], dtype=np.float64)
    graph.node.append(
        helper.make_node(
            "LabelEncoder",
            [column.name],
            [inner],
            domain="ai.onnx.ml",
            keys_tensor=numpy_helper.from_array(np.array(texts, dtype=object), "keys"),
            values_tensor=numpy_helper.from_array(numbers, "values"),
            default_tensor=numpy_helper.from_array(np.array([np.nan]), "default"),
        )
    )
    for port in graph.input:
        if port.name == column.name:
            port.type.tensor_type.elem_type = TensorProto.STRING


def reorder(graph: GraphProto, classes: Sequence[int]) -> None:
    """Take probabilities in another order of classes."""
    inner = f"{PROBABILITIES}#own"
    for node in graph.node:
        node.output[:] = [inner if name == PROBABILITIES else name for name in node.output]
    graph.initializer.append(numpy_helper.from_array(np.array(classes, dtype=np.int64), "class_order"))
    graph.node.append(helper.make_node("Gather", [inner, "class_order"], [PROBABILITIES], axis=1))


def _name_inputs(graph: GraphProto, names: Sequence[str]) -> None:
    """Give inputs the columns' own names, which the converter replaces where they hold spaces or brackets."""
    renamed = {port.name: name for port, name in zip(graph.input, names, strict=True)}
    for port in graph.input:
        port.name = renamed[port.name]
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]


def _name_output(graph: GraphProto) -> None:
    """Give a regressor's one output its name."""
    (port,) = graph.output
    for node in graph.node:
        node.output[:] = [VALUES if name == port.name else name for name in node.output]
    port.name = VALUES


def _make_canonical(model: ModelProto, answer: str) -> None:
    """Keep what the answer needs, in an order and under names that depend on the computation alone.

    The converter's own order and names change from process to process with Python's hash seed.
    """
    graph = model.graph
    for domain in model.opset_import:
        domain.version = ML_OPSET if domain.domain == "ai.onnx.ml" else OPSET[domain.domain]
    _replace(model.opset_import, sorted(model.opset_import, key=lambda item: item.domain))
    _replace(graph.output, [port for port in graph.output if port.name == answer])
    _replace(graph.node, _in_order(graph))
    used = list(dict.fromkeys(name for node in graph.node for name in node.input))
    constants = {tensor.name: tensor for tensor in graph.initializer}
    _replace(graph.initializer, [constants[name] for name in used if name in constants])
    _rename(graph)


def _in_order(graph: GraphProto) -> list[NodeProto]:
    """Return the nodes that the outputs need, each after those it needs itself, first inputs first."""
    makers = {name: node for node in graph.node for name in node.output}
    ordered: dict[int, NodeProto] = {}

    def visit(name: str) -> None:
        node = makers.get(name)
        if node is None or id(node) in ordered:
            return
        for needed in node.input:
            visit(needed)
        ordered[id(node)] = node

    for port in graph.output:
        visit(port.name)
    return list(ordered.values())


def _rename(graph: GraphProto) -> None:
    fixed = {"", *(port.name for port in (*graph.input, *graph.output))}
    renamed = {name: name for name in fixed}
    for number, tensor in enumerate(graph.initializer):
        renamed[tensor.name] = tensor.name = f"_constant_{number}"
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        for place, name in enumerate(node.output):
            renamed.setdefault(name, f"_{node.name}_{place}")
        node.input[:] = [renamed[name] for name in node.input]
        node.output[:] = [renamed[name] for name in node.output]


def _replace(repeated: Any, items: Iterable[Any]) -> None:  # noqa: ANN401  protobuf containers have no types
    copies = [deepcopy(item) for item in items]
    del repeated[:]
    repeated.extend(copies)
