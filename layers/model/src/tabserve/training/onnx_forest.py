"""Random forests as ONNX in 64-bit arithmetic: thresholds, sums and so the ties between classes stay scikit-learn's."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from onnx import TensorProto, numpy_helper
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

CONVERTER_OPSET: Final = 3  # the newest the converter accepts
ML_OPSET: Final = 5  # the first with 64-bit ensembles; the finished model is declared to be of it
BRANCH_LEQ: Final = 0
SUM: Final = 1


def forest_output_shapes(operator: Any) -> None:  # noqa: ANN401  skl2onnx has no types
    """Declare the outputs: classes, and probabilities in 64 bits; or the values of a regression."""
    if isinstance(operator.raw_operator, RandomForestRegressor):
        operator.outputs[0].type = DoubleTensorType([None, 1])
        return
    operator.outputs[0].type = Int64TensorType([None])
    operator.outputs[1].type = DoubleTensorType([None, len(operator.raw_operator.classes_)])


def convert_forest(scope: Any, operator: Any, container: Any) -> None:  # noqa: ANN401  skl2onnx has no types
    """Convert a forest into two roundings, one ensemble that adds up its trees' shares or values, and a division."""
    forest: RandomForestClassifier | RandomForestRegressor = operator.raw_operator
    targets = 1 if isinstance(forest, RandomForestRegressor) else len(forest.classes_)
    *classes, answers = (output.full_name for output in operator.outputs)
    rounded, widened, total, count = (
        scope.get_unique_variable_name(name) for name in ("rounded", "widened", "total", "count")
    )
    # scikit-learn's trees compare 32-bit features with 64-bit thresholds.
    container.add_node("Cast", operator.inputs[0].full_name, rounded, to=TensorProto.FLOAT)
    container.add_node("Cast", rounded, widened, to=TensorProto.DOUBLE)
    attributes = _Ensemble.of(forest, targets).attributes(targets)
    container.add_node("TreeEnsemble", widened, total, op_domain="ai.onnx.ml", op_version=CONVERTER_OPSET, **attributes)
    container.add_initializer(count, TensorProto.DOUBLE, [], [float(len(forest.estimators_))])
    container.add_node("Div", [total, count], answers)
    for name in classes:
        container.add_node("ArgMax", answers, name, axis=1, keepdims=0)


@dataclass(slots=True)
class _Ensemble:
    """All trees as flat lists, once for each class, since a leaf of ONNX's ensembles counts for one class."""

    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    children: dict[bool, list[tuple[int, bool]]] = field(default_factory=lambda: {True: [], False: []})
    leaf_classes: list[int] = field(default_factory=list)
    leaf_weights: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, forest: RandomForestClassifier | RandomForestRegressor, targets: int) -> "_Ensemble":
        ensemble = cls()
        for place in range(targets):
            for estimator in forest.estimators_:
                ensemble._add(estimator.tree_, place)
        return ensemble

    def attributes(self, targets: int) -> dict[str, Any]:
        nodes = len(self.features)
        return {
            "aggregate_function": SUM,
            "post_transform": 0,
            "n_targets": targets,
            "tree_roots": self.roots,
            "nodes_featureids": self.features,
            "nodes_splits": numpy_helper.from_array(np.array(self.splits, dtype=np.float64)),
            "nodes_modes": numpy_helper.from_array(np.full(nodes, BRANCH_LEQ, dtype=np.uint8)),
            "nodes_truenodeids": [index for index, _ in self.children[True]],
            "nodes_trueleafs": [int(leaf) for _, leaf in self.children[True]],
            "nodes_falsenodeids": [index for index, _ in self.children[False]],
            "nodes_falseleafs": [int(leaf) for _, leaf in self.children[False]],
            "leaf_targetids": self.leaf_classes,
            "leaf_weights": numpy_helper.from_array(np.array(self.leaf_weights, dtype=np.float64)),
        }

    def _add(self, tree: Any, place: int) -> None:  # noqa: ANN401  scikit-learn has no types
        first = len(self.features)
        self.roots.append(first)
        inner = np.flatnonzero(tree.children_left >= 0)
        numbers = {int(node): first + number for number, node in enumerate(inner)}
        for node in inner:
            self.features.append(int(tree.feature[node]))
            self.splits.append(float(tree.threshold[node]))
            self.children[True].append(self._child(tree, int(tree.children_left[node]), numbers, place))
            self.children[False].append(self._child(tree, int(tree.children_right[node]), numbers, place))
        if not len(inner):
            self._add_constant(self._child(tree, 0, numbers, place))

    def _add_constant(self, leaf: tuple[int, bool]) -> None:
        self.features.append(0)
        self.splits.append(0.0)
        self.children[True].append(leaf)
        self.children[False].append(leaf)

    def _child(self, tree: Any, node: int, numbers: dict[int, int], place: int) -> tuple[int, bool]:  # noqa: ANN401
        if node in numbers:
            return numbers[node], False
        self.leaf_classes.append(place)
        self.leaf_weights.append(float(tree.value[node, 0, place]))
        return len(self.leaf_weights) - 1, True
