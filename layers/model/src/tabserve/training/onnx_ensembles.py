"""Tree ensembles as ONNX in their library's own arithmetic: thresholds, sums and so the ties between classes stay."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType
from sklearn.base import is_classifier

from tabserve.training.ensembles import Ensemble, Link
from tabserve.training.lightgbm_trees import read_lightgbm
from tabserve.training.onnx_steps import CONVERTER_OPSET, Kind, Steps
from tabserve.training.sklearn_trees import read_forest, read_gradient_boosting, read_hist_gradient_boosting
from tabserve.training.trees import attributes
from tabserve.training.xgboost_trees import read_xgboost

Reader = Callable[[Any], Ensemble]
# Estimators by the names of their classes: other libraries' are not imported for a model that has none of theirs.
READERS: Final[Mapping[Reader, Sequence[str]]] = {
    read_forest: (
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.ensemble.RandomForestRegressor",
        "sklearn.ensemble.ExtraTreesClassifier",
        "sklearn.ensemble.ExtraTreesRegressor",
        "sklearn.tree.DecisionTreeClassifier",
        "sklearn.tree.DecisionTreeRegressor",
        "sklearn.tree.ExtraTreeClassifier",
        "sklearn.tree.ExtraTreeRegressor",
    ),
    read_gradient_boosting: (
        "sklearn.ensemble.GradientBoostingClassifier",
        "sklearn.ensemble.GradientBoostingRegressor",
    ),
    read_hist_gradient_boosting: (
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.HistGradientBoostingRegressor",
    ),
    read_lightgbm: ("lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor"),
    read_xgboost: (
        "xgboost.XGBClassifier",
        "xgboost.XGBRegressor",
        "xgboost.XGBRFClassifier",
        "xgboost.XGBRFRegressor",
    ),
}


def register_ensembles() -> None:
    """Have skl2onnx convert the tree ensembles of all libraries that are imported by these converters."""
    for read, names in READERS.items():
        convert = _converter(read)
        for name in names:
            module, _, kind = name.rpartition(".")
            if module in sys.modules:
                options = {"zipmap": [True, False, "columns"]} if kind.endswith("Classifier") else None
                estimator = getattr(sys.modules[module], kind)
                update_registered_converter(estimator, f"Exact{kind}", _declare_outputs, convert, options=options)


def _declare_outputs(operator: Any) -> None:  # noqa: ANN401  skl2onnx has no types
    """Declare the outputs: classes, and probabilities in 64 bits; or the values of a regression."""
    estimator = operator.raw_operator
    if not is_classifier(estimator):
        operator.outputs[0].type = DoubleTensorType([None, 1])
        return
    operator.outputs[0].type = Int64TensorType([None])
    operator.outputs[1].type = DoubleTensorType([None, len(estimator.classes_)])


def _converter(read: Reader) -> Callable[[Any, Any, Any], None]:
    def convert(scope: Any, operator: Any, container: Any) -> None:  # noqa: ANN401
        steps = Steps(scope, container)
        *classes, answers = (output.full_name for output in operator.outputs)
        ensemble = read(operator.raw_operator)
        features = _prepared(steps, ensemble, operator.inputs[0].full_name, operator.raw_operator.n_features_in_)
        found = _linked(steps, ensemble.link, ensemble.kind, _sums(steps, ensemble, features))
        steps.add("Identity", found, output=answers)
        for name in classes:
            steps.add("ArgMax", answers, output=name, axis=1, keepdims=0)

    return convert


def _prepared(steps: Steps, ensemble: Ensemble, features: str, columns: int) -> str:
    """Return the features as the library compares them."""

    def mask(chosen: Sequence[int]) -> str:
        return steps.constant(np.isin(np.arange(columns), chosen).reshape(1, -1))

    if ensemble.order:
        features = steps.add("Gather", features, steps.constant(np.array(ensemble.order)), axis=1)
    if ensemble.codes:
        features = _coded(steps, ensemble.codes, features, columns)
    if ensemble.kind is np.float32:
        features = steps.cast(features, np.float32)
    elif ensemble.rounded:
        features = steps.cast(steps.cast(features, np.float32), np.float64)
    if ensemble.missing is not None:
        same = steps.add("Equal", features, steps.constant(ensemble.kind(ensemble.missing)))
        features = steps.add("Where", same, steps.constant(ensemble.kind(np.nan)), features)
    if ensemble.truncated:
        whole = steps.add("Mul", steps.add("Sign", features), steps.add("Floor", steps.add("Abs", features)))
        features = steps.add("Where", mask(ensemble.truncated), whole, features)
    if ensemble.zero_missing:
        zero = steps.add("LessOrEqual", steps.add("Abs", features), steps.constant(ensemble.kind(ensemble.tiny)))
        chosen = steps.add("And", zero, mask(ensemble.zero_missing))
        features = steps.add("Where", chosen, steps.constant(ensemble.kind(np.nan)), features)
    return features


def _coded(steps: Steps, codes: Mapping[int, NDArray[np.float64]], features: str, columns: int) -> str:
    """Return the features with some of them as places among their known values."""
    pieces = []
    for place in range(columns):
        piece = steps.add("Gather", features, steps.constant(np.array([place])), axis=1)
        if place in codes:
            known = np.append(np.arange(len(codes[place]), dtype=np.float64), np.nan).reshape(-1, 1)
            piece = steps.looked_up(piece, codes[place], known)
        pieces.append(piece)
    return steps.add("Concat", *pieces, axis=1)


def _sums(steps: Steps, ensemble: Ensemble, features: str) -> str:
    """Return the sums of the trees as what is linked to answers, of shape (rows, targets)."""
    kind = ensemble.kind
    total = steps.add(
        "TreeEnsemble",
        features,
        op_domain="ai.onnx.ml",
        op_version=CONVERTER_OPSET,
        **attributes(ensemble.trees, ensemble.targets, ensemble.mode, kind),
    )
    if ensemble.divisor is not None:
        total = steps.add("Div", total, steps.constant(kind(ensemble.divisor)))
    if ensemble.scale != 1:
        total = steps.add("Mul", total, steps.constant(kind(ensemble.scale)))
    return total


def _linked(steps: Steps, link: Link, kind: Kind, sums: str) -> str:
    """Return answers in 64 bits; the exponential function is the nearest in `kind`, as the libraries' is."""

    def exp(value: str) -> str:
        return steps.cast(steps.add("Exp", steps.cast(value, np.float64)), kind)

    one = steps.constant(kind(1))
    match link:
        case "exp":
            answers = exp(sums)
        case "log1p_exp":
            answers = steps.add("Log", steps.add("Add", one, exp(sums)))
        case "signed_square":
            answers = steps.add("Mul", steps.add("Mul", steps.add("Sign", sums), sums), sums)
        case "sigmoid" | "sigmoids":
            answers = steps.add("Div", one, steps.add("Add", one, exp(steps.add("Neg", sums))))
        case "softmax":
            axis = steps.constant(np.array([1]))
            powers = exp(steps.add("Sub", sums, steps.add("ReduceMax", sums, axis)))
            total = steps.cast(steps.add("ReduceSum", steps.cast(powers, np.float64), axis), kind)
            answers = steps.add("Div", powers, total)
        case _:
            answers = sums
    if link == "sigmoid":
        answers = steps.add("Concat", steps.add("Sub", one, answers), answers, axis=1)
    return steps.cast(answers, np.float64)
