"""Versions that answer their own examples and fail on a row with a certain number, for real: as ONNX models."""

from collections.abc import Callable
from hashlib import sha256
from typing import Final, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tabserve.core.use_case import UseCase
from tabserve.registry.onnx_model import PROBABILITIES
from tabserve.registry.store import Registry
from tabserve.registry.version import MODEL

Failure = Literal["nan", "raises"]
COPIES: Final = "2099"  # what the names of such versions begin with
POISON: Final = 41.0625  # a number that no example has, and that a double holds exactly


def register_failing(registry: Registry, use_case: UseCase, version: str, column: str, failure: Failure) -> str:
    """Register a version like another one, which fails on rows that have POISON in a column; return its name."""
    return register_like(registry, use_case, version, failure, lambda body: failing(body, column, failure))


def register_like(
    registry: Registry, use_case: UseCase, version: str, why: str, changed: Callable[[bytes], bytes] = bytes
) -> str:
    """Register a version's files again, the model changed; return the name, which `why` tells from others."""
    metadata = registry.metadata(use_case.name, version)
    files = {name: registry.file(use_case.name, version, name) for name in metadata.files}
    files[MODEL] = changed(files[MODEL])
    name = f"{COPIES}0101T000000Z-{sha256(why.encode()).hexdigest()[:8]}"
    digests = {name: sha256(body).hexdigest() for name, body in files.items()}
    registry.register(metadata.model_copy(update={"version": name, "files": digests}), files)
    return name


def failing(body: bytes, column: str, failure: Failure) -> bytes:
    """Return a model of classes that answers NaN, or raises, where a column of numbers is POISON."""
    model = onnx.load_model_from_string(body)
    graph = model.graph
    for node in graph.node:
        node.output[:] = ["answers" if name == PROBABILITIES else name for name in node.output]
        node.input[:] = ["answers" if name == PROBABILITIES else name for name in node.input]
    constants = {"poison": np.array([POISON]), "one": np.array([1.0]), "beyond": np.array([10**6], dtype=np.int64)}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    graph.node.append(helper.make_node("Equal", [column, "poison"], ["poisoned"]))
    if failure == "nan":
        graph.node.append(helper.make_node("Cast", ["poisoned"], ["bad"], to=TensorProto.DOUBLE))
        graph.node.append(helper.make_node("Sub", ["one", "bad"], ["good"]))
        graph.node.append(helper.make_node("Div", ["good", "good"], ["factor"]))
    else:
        graph.node.append(helper.make_node("Cast", ["poisoned"], ["bad"], to=TensorProto.INT64))
        graph.node.append(helper.make_node("Mul", ["bad", "beyond"], ["place"]))
        graph.node.append(helper.make_node("Gather", ["one", "place"], ["factor"]))
    graph.node.append(helper.make_node("Mul", ["answers", "factor"], [PROBABILITIES]))
    return bytes(model.SerializeToString())
