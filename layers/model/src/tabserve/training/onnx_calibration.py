"""Calibration as a part of an ONNX model, in 64 bits: the same steps in the same order as `calibration.py` takes."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, helper, numpy_helper

from tabserve.registry.onnx_model import PROBABILITIES

RAW: Final = "_uncalibrated"


def with_sigmoids(body: bytes, slopes: NDArray[np.float64], intercepts: NDArray[np.float64], smallest: float) -> bytes:
    """Put sigmoids of the log odds behind a model's probabilities; one of the second class where there are two."""
    model = onnx.load_from_string(body)
    graph = model.graph
    for node in graph.node:
        node.output[:] = [RAW if name == PROBABILITIES else name for name in node.output]
    two = len(slopes) == 1
    constants = {
        "_one": np.array(1.0),
        "_smallest": np.array(smallest),
        "_largest": np.array(1 - smallest),
        "_slopes": slopes.reshape(1, -1).astype(np.float64),
        "_intercepts": intercepts.reshape(1, -1).astype(np.float64),
        "_second": np.array([1], dtype=np.int64),
        "_columns": np.array([1], dtype=np.int64),
    }
    if two:
        _add(graph, "Gather", [RAW, "_second"], "_taken", axis=1)
    _add(graph, "Max", ["_taken" if two else RAW, "_smallest"], "_above")
    _add(graph, "Min", ["_above", "_largest"], "_kept")
    _add(graph, "Sub", ["_one", "_kept"], "_rest")
    _add(graph, "Div", ["_kept", "_rest"], "_odds")
    _add(graph, "Log", ["_odds"], "_log_odds")
    _add(graph, "Mul", ["_log_odds", "_slopes"], "_sloped")
    _add(graph, "Add", ["_sloped", "_intercepts"], "_shifted")
    _add(graph, "Neg", ["_shifted"], "_negative")
    _add(graph, "Exp", ["_negative"], "_exponential")
    _add(graph, "Add", ["_one", "_exponential"], "_denominator")
    _add(graph, "Div", ["_one", "_denominator"], "_corrected")
    if two:
        _add(graph, "Sub", ["_one", "_corrected"], "_first")
        _add(graph, "Concat", ["_first", "_corrected"], PROBABILITIES, axis=1)
    else:
        _add(graph, "ReduceSum", ["_corrected", "_columns"], "_total", keepdims=1)
        _add(graph, "Div", ["_corrected", "_total"], PROBABILITIES)
    used = {name for node in graph.node for name in node.input}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items() if name in used)
    whole: bytes = model.SerializeToString(deterministic=True)
    return whole


def _add(graph: GraphProto, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:  # noqa: ANN401
    graph.node.append(helper.make_node(operator, list(inputs), [output], f"calibrate{output}", **attributes))
