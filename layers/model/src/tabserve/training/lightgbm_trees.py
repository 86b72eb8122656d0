"""Ensembles that LightGBM grew, read from its own text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import ExportError
from tabserve.training.ensembles import Ensemble, Link
from tabserve.training.trees import LEAF, Tree, places_of_bits

TINY: Final = float(np.float32(1e-35))  # kZeroThreshold: LightGBM takes what is not above it for zero
BY_CATEGORY: Final = 1  # bits of decision_type
DEFAULT_LEFT: Final = 2
NO_MISSING: Final = 0  # kinds of missing values, in the bits above; 2 are NaN
ZERO_MISSING: Final = 1
LINKS: Final[Mapping[str, Link]] = {
    "binary": "sigmoid",
    "cross_entropy": "sigmoid",
    "cross_entropy_lambda": "log1p_exp",
    "multiclass": "softmax",
    "multiclassova": "sigmoids",
    "poisson": "exp",
    "gamma": "exp",
    "tweedie": "exp",
    "regression": "identity",
    "regression_l1": "identity",
    "huber": "identity",
    "fair": "identity",
    "quantile": "identity",
    "mape": "identity",
}
Fields = Mapping[str, str]


def read_lightgbm(estimator: Any) -> Ensemble:  # noqa: ANN401  LightGBM has no types
    """Read a fitted LGBMClassifier or LGBMRegressor, up to its best iteration; raise ExportError."""
    text = estimator.booster_.model_to_string().partition("\nend of trees")[0]
    header, *bodies = text.split("\nTree=")
    general = _fields(header)
    targets = int(general["num_tree_per_iteration"])
    found = [_read(_fields(body), number % targets) for number, body in enumerate(bodies)]
    zero_missing = {feature for each in found for feature in each.zero_missing}
    if both := zero_missing.intersection(feature for each in found for feature in each.others):
        raise ExportError(
            f"LightGBM treats missing values of column {min(both)} in two ways, as after training went on with other "
            "settings; train it in one go."
        )
    link, scale = _link(general)
    return Ensemble(
        [each.tree for each in found],
        targets,
        truncated=tuple(sorted({feature for each in found for feature in each.categories})),
        zero_missing=tuple(sorted(zero_missing)),
        tiny=TINY,
        divisor=len(found) // targets if "average_output" in general else None,
        scale=scale,
        link=link,
    )


def _link(general: Fields) -> tuple[Link, float]:
    name, *options = general.get("objective", "custom").split()
    if name not in LINKS:
        raise ExportError(f"LightGBM's objective {name!r} has no exact export; known: {', '.join(LINKS)}.")
    if name.startswith("regression") and "sqrt" in options:
        return "signed_square", 1.0
    scales = [float(option.removeprefix("sigmoid:")) for option in options if option.startswith("sigmoid:")]
    return LINKS[name], scales[0] if scales else 1.0


@dataclass(frozen=True, slots=True)
class _Read:
    """A tree and its features by how they are compared."""

    tree: Tree
    categories: frozenset[int]
    zero_missing: frozenset[int]
    others: frozenset[int]


def _read(fields: Fields, target: int) -> _Read:
    if fields.get("is_linear") == "1":
        raise ExportError("LightGBM's linear trees have no exact export; train it without linear_tree.")
    leaves, kinds = _floats(fields, "leaf_value"), _ints(fields, "decision_type")
    feature, threshold = _ints(fields, "split_feature"), _floats(fields, "threshold")
    by_category, missing = (kinds & BY_CATEGORY).astype(np.bool_), kinds >> 2 & 3
    zero = ~by_category & (missing == ZERO_MISSING)
    # A missing value of a column that had none while training counts as zero; a missing category as none of the set.
    as_zero = np.where(missing == NO_MISSING, threshold >= 0, (kinds & DEFAULT_LEFT).astype(np.bool_))
    rest = np.zeros(len(leaves))
    ends = np.full(len(leaves), LEAF)
    tree = Tree(
        target=target,
        feature=np.concatenate([feature, rest.astype(np.int64)]),
        threshold=np.concatenate([_beyond_zero(threshold), rest]),
        true=np.concatenate([_children(fields, "left_child"), ends]),
        false=np.concatenate([_children(fields, "right_child"), ends]),
        missing_true=np.concatenate([as_zero & ~by_category, rest.astype(np.bool_)]),
        value=np.concatenate([np.zeros(len(feature)), leaves]),
        members=_members(fields, threshold, by_category),
    )
    compared = (by_category, zero, ~by_category & ~zero)
    return _Read(tree, *(frozenset(feature[which].tolist()) for which in compared))


def _beyond_zero(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move thresholds so that all numbers that LightGBM takes for zero fall on zero's side."""
    around = np.abs(threshold) <= TINY
    return np.where(around, np.where(threshold >= 0, TINY, np.nextafter(-TINY, -1)), threshold)


def _children(fields: Fields, name: str) -> NDArray[np.int64]:
    """Return children as places in one table of nodes, the inner ones first, then the leaves."""
    children = _ints(fields, name)
    return np.where(children < 0, len(children) + ~children, children)


def _members(
    fields: Fields, threshold: NDArray[np.float64], by_category: NDArray[np.bool_]
) -> dict[int, NDArray[np.float64]]:
    bounds, words = _ints(fields, "cat_boundaries"), _ints(fields, "cat_threshold").astype(np.uint32)
    sets = {int(node): int(threshold[node]) for node in np.flatnonzero(by_category)}
    return {node: places_of_bits(words[bounds[place] : bounds[place + 1]]) for node, place in sets.items()}


def _fields(body: str) -> Fields:
    return dict(line.partition("=")[::2] for line in body.splitlines())


def _ints(fields: Fields, name: str) -> NDArray[np.int64]:
    return np.array(fields.get(name, "").split(), dtype=np.int64)


def _floats(fields: Fields, name: str) -> NDArray[np.float64]:
    return np.array(fields.get(name, "").split(), dtype=np.float64)
