"""Ensembles that XGBoost grew, read from its own JSON: compared and added in 32 bits."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import ExportError
from tabserve.training.ensembles import Ensemble, Link
from tabserve.training.trees import BRANCH_LT, Tree, constant

LINKS: Final[Mapping[str, Link]] = {
    "binary:logistic": "sigmoid",
    "reg:logistic": "sigmoid",
    "multi:softprob": "softmax",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "reg:squarederror": "identity",
    "reg:squaredlogerror": "identity",
    "reg:pseudohubererror": "identity",
    "reg:absoluteerror": "identity",
    "reg:quantileerror": "identity",
}


def read_xgboost(estimator: Any) -> Ensemble:  # noqa: ANN401  XGBoost has no types
    """Read a fitted XGBClassifier or XGBRegressor, random forests of them too, up to its best iteration.

    Raise ExportError.
    """
    booster = estimator.get_booster()
    best = getattr(booster, "best_iteration", None) if booster.attr("best_iteration") else None
    learner = json.loads(bytes((booster if best is None else booster[: best + 1]).save_raw("json")))["learner"]
    objective = learner["objective"]["name"]
    if objective not in LINKS:
        raise ExportError(f"XGBoost's objective {objective!r} has no exact export; known: {', '.join(LINKS)}.")
    gradient = learner["gradient_booster"]
    if gradient["name"] not in ("gbtree", "dart"):
        raise ExportError(f"XGBoost's booster {gradient['name']!r} grows no trees; train it with gbtree or dart.")
    model = gradient.get("gbtree", gradient)["model"]
    targets = max(int(learner["learner_model_param"]["num_class"]), 1)
    if int(learner["learner_model_param"]["num_target"]) != 1:
        raise ExportError("XGBoost answers several targets at once; train it on one.")
    link = LINKS[objective]
    starts = _starts(learner["learner_model_param"]["base_score"], link, targets)
    trees = [_tree(tree, target) for tree, target in zip(model["trees"], model["tree_info"], strict=True)]
    if weights := gradient.get("weight_drop"):
        trees = [_weighted(tree, starts[tree.target], weight) for tree, weight in zip(trees, weights, strict=True)]
    first = [constant(target, start) for target, start in enumerate(starts.tolist())]
    categories = {int(tree.feature[node]) for tree in trees for node in tree.members}
    missing = float(estimator.missing) if estimator.missing is not None else np.nan
    return Ensemble(
        [*first, *trees],
        targets,
        mode=BRANCH_LT,
        kind=np.float32,
        missing=None if np.isnan(missing) else missing,
        truncated=tuple(sorted(categories)),
        link=link,
    )


def _starts(text: str, link: Link, targets: int) -> NDArray[np.float32]:
    """Return the sums before the first tree, one a target; XGBoost notes them as answers."""
    scores = np.broadcast_to(np.array(json.loads(text), dtype=np.float32).reshape(-1), targets)
    if link == "sigmoid":
        scores = -_log(np.float32(1) / scores - np.float32(1))
    elif link == "exp":
        scores = _log(scores)
    return scores


def _log(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return logarithms as the C library rounds them, which NumPy's are not always."""
    return np.log(values.astype(np.float64)).astype(np.float32)


def _weighted(tree: Tree, start: np.float32, weight: float) -> Tree:
    """Return a tree of dropouts as XGBoost adds it: it takes a tree's sum with the start, and that off again."""
    values = (start + tree.value.astype(np.float32) - start) * np.float32(weight)
    return replace(tree, value=values.astype(np.float64))


def _tree(tree: Mapping[str, Any], target: int) -> Tree:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    split = np.array(tree["split_conditions"], dtype=np.float32)
    members = _members(tree)
    # Categories of the set go right, all others left: the other way round than below and above a threshold.
    of_set = np.zeros(len(left), dtype=np.bool_)
    of_set[[*members]] = True
    default_left = np.array(tree["default_left"], dtype=np.bool_)
    return Tree(
        target=target,
        feature=np.array(tree["split_indices"]),
        threshold=split.astype(np.float64),
        true=np.where(of_set, right, left),
        false=np.where(of_set, left, right),
        missing_true=default_left ^ of_set,
        value=split.astype(np.float64),
        members=members,
    )


def _members(tree: Mapping[str, Any]) -> dict[int, NDArray[np.float64]]:
    categories = np.array(tree["categories"], dtype=np.float64)
    return {
        node: categories[start : start + size]
        for node, start, size in zip(
            tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
        )
    }
