"""A scikit-learn pipeline as an ONNX model: the same answers, and the same bytes each time."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any, Final

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto
from skl2onnx import convert_sklearn
from skl2onnx.algebra.onnx_ops import OnnxIsNaN, OnnxWhere
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from skl2onnx.operator_converters.imputer_op import convert_sklearn_imputer
from skl2onnx.shape_calculators.imputer import calculate_sklearn_imputer_output_shapes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from tabserve.core.features import CategoryFeature
from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import PROBABILITIES, VALUES
from tabserve.training.onnx_forest import CONVERTER_OPSET, ML_OPSET, convert_forest, forest_output_shapes

OPSET: Final = {"": 18, "ai.onnx.ml": CONVERTER_OPSET}


def export(use_case: UseCase, pipeline: Pipeline) -> bytes:
    """Convert a fitted pipeline; the model has one input per feature and one output: probabilities, or values."""
    answer = VALUES if use_case.is_regression else PROBABILITIES
    inputs = [
        (feature.name, (StringTensorType if isinstance(feature, CategoryFeature) else DoubleTensorType)([None, 1]))
        for feature in use_case.inputs
    ]
    model = convert_sklearn(
        pipeline,
        name=use_case.name,
        initial_types=inputs,
        options={} if use_case.is_regression else {id(pipeline.steps[-1][1]): {"zipmap": False}},
        target_opset=OPSET,
        custom_conversion_functions={
            SimpleImputer: _convert_imputer,
            RandomForestClassifier: convert_forest,
            RandomForestRegressor: convert_forest,
        },
        custom_shape_calculators={
            SimpleImputer: calculate_sklearn_imputer_output_shapes,
            RandomForestClassifier: forest_output_shapes,
            RandomForestRegressor: forest_output_shapes,
        },
    )
    _name_inputs(model.graph, use_case.input_names)
    if use_case.is_regression:
        _name_output(model.graph)
    _make_canonical(model, answer)
    body: bytes = model.SerializeToString(deterministic=True)
    return body


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:  # noqa: ANN401  skl2onnx has no types
    """Convert a float64 imputer, which the runtime's own operator cannot load, into IsNaN and Where."""
    values = operator.inputs[0]
    if not isinstance(values.type, DoubleTensorType):
        convert_sklearn_imputer(scope, operator, container)
        return
    opset = container.target_opset
    fill = operator.raw_operator.statistics_.astype(np.float64).reshape(1, -1)
    missing = OnnxIsNaN(values, op_version=opset)
    OnnxWhere(missing, fill, values, op_version=opset, output_names=operator.outputs[:1]).add_to(scope, container)


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
