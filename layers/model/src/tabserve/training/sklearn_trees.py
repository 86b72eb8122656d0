"""Ensembles that scikit-learn grew."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble._gb import _init_raw_predictions

from tabserve.core.errors import ExportError
from tabserve.training.ensembles import Ensemble, Link
from tabserve.training.trees import LEAF, Tree, constant, places_of_bits

LINKS: Final[dict[str, tuple[Link, float]]] = {
    "IdentityLink": ("identity", 1.0),
    "LogLink": ("exp", 1.0),
    "LogitLink": ("sigmoid", 1.0),
    "HalfLogitLink": ("sigmoid", 2.0),
    "MultinomialLogit": ("softmax", 1.0),
}


def read_forest(forest: Any) -> Ensemble:  # noqa: ANN401  scikit-learn has no types
    """Read a random forest, extremely randomized trees or a single tree: the mean of the trees' shares or values."""
    if forest.n_outputs_ != 1:
        raise ExportError(f"{type(forest).__name__} answers {forest.n_outputs_} targets at once; train it on one.")
    trees = [each.tree_ for each in getattr(forest, "estimators_", [forest])]
    targets = trees[0].value.shape[2]
    found = [_tree(tree, target, tree.value[:, 0, target]) for target in range(targets) for tree in trees]
    return Ensemble(found, targets, rounded=True, divisor=len(trees) if hasattr(forest, "estimators_") else None)


def read_gradient_boosting(boosting: Any) -> Ensemble:  # noqa: ANN401
    """Read classic gradient boosting: what it starts from, then trees of features rounded to 32 bits."""
    starts = [constant(target, value) for target, value in enumerate(_starts(boosting))]
    found = [
        _tree(each.tree_, target, boosting.learning_rate * each.tree_.value[:, 0, 0])
        for stage in boosting.estimators_
        for target, each in enumerate(stage)
    ]
    link, scale = LINKS[type(boosting._loss.link).__name__]
    return Ensemble([*starts, *found], len(starts), rounded=True, scale=scale, link=link)


def read_hist_gradient_boosting(boosting: Any) -> Ensemble:  # noqa: ANN401
    """Read histogram gradient boosting: its baseline, then trees of 64-bit features and of category codes."""
    baseline = np.ravel(boosting._baseline_prediction).tolist()
    starts = [constant(target, value) for target, value in enumerate(baseline)]
    found = [_hist_tree(each, target) for stage in boosting._predictors for target, each in enumerate(stage)]
    link, scale = LINKS[type(boosting._loss.link).__name__]
    order, codes = _encoding(boosting)
    return Ensemble([*starts, *found], len(starts), order=order, codes=codes, scale=scale, link=link)


def _encoding(boosting: Any) -> tuple[tuple[int, ...], dict[int, NDArray[np.float64]]]:  # noqa: ANN401
    """Return the order in which histogram boosting takes its columns, and the values of those it encodes by itself."""
    if boosting._preprocessor is None:
        return (), {}
    categorical = np.flatnonzero(boosting.is_categorical_)
    encoder = boosting._preprocessor.named_transformers_["encoder"]
    codes = {place: _numbers(values) for place, values in enumerate(encoder.categories_)}
    return (*categorical.tolist(), *np.flatnonzero(~boosting.is_categorical_).tolist()), codes


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the numbers that stand for known values: themselves, or the places of texts."""
    numbers = values if values.dtype.kind in "if" else np.arange(len(values))
    known: NDArray[np.float64] = numbers[~np.isnan(numbers)].astype(np.float64)
    return known


def _tree(tree: Any, target: int, values: NDArray[np.float64]) -> Tree:  # noqa: ANN401
    return Tree(
        target=target,
        feature=tree.feature,
        threshold=tree.threshold,
        true=tree.children_left,
        false=tree.children_right,
        missing_true=tree.missing_go_to_left.astype(np.bool_),
        value=values,
    )


def _starts(boosting: Any) -> list[float]:  # noqa: ANN401
    """Return the sums before the first tree, one a target."""
    init = boosting.init_
    if isinstance(init, str):  # "zero"
        return [0.0] * boosting.estimators_.shape[1]
    if not isinstance(init, DummyClassifier | DummyRegressor):
        name = type(boosting).__name__
        raise ExportError(f"{name} starts from another model, {type(init).__name__}; train it without `init`.")
    row = np.zeros((1, boosting.n_features_in_))
    starts: list[float] = np.ravel(_init_raw_predictions(row, init, boosting._loss, is_classifier(boosting))).tolist()
    return starts


def _hist_tree(predictor: Any, target: int) -> Tree:  # noqa: ANN401
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(np.bool_)
    by_category = nodes["is_categorical"].astype(np.bool_) & ~leaf
    return Tree(
        target=target,
        feature=nodes["feature_idx"],
        threshold=nodes["num_threshold"],
        true=np.where(leaf, LEAF, nodes["left"].astype(np.int64)),
        false=np.where(leaf, LEAF, nodes["right"].astype(np.int64)),
        missing_true=nodes["missing_go_to_left"].astype(np.bool_),
        value=nodes["value"],
        members={
            int(node): places_of_bits(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]])
            for node in np.flatnonzero(by_category)
        },
    )
