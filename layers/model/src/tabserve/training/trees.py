"""Decision trees as arrays, whichever library grew them, and the attributes of ONNX's TreeEnsemble made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
BRANCH_LEQ: Final = 0
BRANCH_LT: Final = 1
BRANCH_MEMBER: Final = 6
SUM: Final = 1
LEAF: Final = -1
NOBODY: Final = np.array([-1.0])  # stands in sets of no member, which the runtime refuses: codes are not negative


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One tree that adds to one target; node 0 is its root.

    A node sends a row to its `true` child where the row's `feature` is below the `threshold`, or, for a node of
    `members`, where it is one of those numbers; a missing one (NaN) goes where `missing_true` says. A leaf has the
    child -1 and the `value` that it adds.
    """

    target: int
    feature: Ints
    threshold: Floats
    true: Ints
    false: Ints
    missing_true: NDArray[np.bool_]
    value: Floats
    members: Mapping[int, Floats] = field(default_factory=dict)


def constant(target: int, value: float) -> Tree:
    """Return the tree that adds the same to every row."""
    leaf = np.array([LEAF])
    nothing = np.zeros(1)
    return Tree(target, np.array([0]), nothing, leaf, leaf, np.array([False]), np.array([value], dtype=np.float64))


def attributes(trees: Sequence[Tree], targets: int, mode: int, kind: type[np.floating[Any]]) -> dict[str, Any]:
    """Return the attributes of a TreeEnsemble that adds up trees in their order, in arithmetic of `kind`."""
    nodes = _Nodes(mode)
    for tree in trees:
        nodes.add(tree if (tree.true >= 0).any() else _forked(tree))
    return nodes.attributes(targets, kind)


def _forked(leaf: Tree) -> Tree:
    """Return a node with two equal leaves: the runtime takes one leaf for both children for another leaf's weight."""
    return Tree(
        target=leaf.target,
        feature=np.zeros(3, dtype=np.int64),
        threshold=np.zeros(3),
        true=np.array([1, LEAF, LEAF]),
        false=np.array([2, LEAF, LEAF]),
        missing_true=np.zeros(3, dtype=np.bool_),
        value=np.repeat(leaf.value[:1], 3),
    )


class _Nodes:
    """The nodes and the leaves of all trees, each in a table of its own."""

    def __init__(self, mode: int) -> None:
        self._mode = mode
        self._nodes = 0
        self._leaves = 0
        self._roots: list[int] = []
        self._columns: dict[str, list[NDArray[Any]]] = {}
        self._members: list[NDArray[Any]] = []

    def add(self, tree: Tree) -> None:
        inner = tree.true >= 0
        places = np.where(inner, self._nodes + np.cumsum(inner) - 1, self._leaves + np.cumsum(~inner) - 1)
        true, false = tree.true[inner], tree.false[inner]
        modes = np.full(len(inner), self._mode, dtype=np.uint8)
        modes[[*tree.members]] = BRANCH_MEMBER
        self._put("nodes_featureids", tree.feature[inner])
        self._put("nodes_splits", tree.threshold[inner])
        self._put("nodes_modes", modes[inner])
        self._put("nodes_missing_value_tracks_true", tree.missing_true[inner])
        self._put("nodes_truenodeids", places[true])
        self._put("nodes_trueleafs", ~inner[true])
        self._put("nodes_falsenodeids", places[false])
        self._put("nodes_falseleafs", ~inner[false])
        self._put("leaf_targetids", np.full(int((~inner).sum()), tree.target))
        self._put("leaf_weights", tree.value[~inner])
        for node in sorted(tree.members):
            members = tree.members[node]
            self._members += [members if len(members) else NOBODY, np.array([np.nan])]
        self._roots.append(self._nodes)
        self._nodes += int(inner.sum())
        self._leaves += int((~inner).sum())

    def attributes(self, targets: int, kind: type[np.floating[Any]]) -> dict[str, Any]:
        columns = {name: np.concatenate(pieces) for name, pieces in self._columns.items()}
        tensors = {
            name: numpy_helper.from_array(columns.pop(name).astype(kind)) for name in ("nodes_splits", "leaf_weights")
        }
        modes = numpy_helper.from_array(columns.pop("nodes_modes"))
        members = numpy_helper.from_array(np.concatenate(self._members).astype(kind)) if self._members else None
        return {
            "aggregate_function": SUM,
            "post_transform": 0,
            "n_targets": targets,
            "tree_roots": self._roots,
            "nodes_modes": modes,
            **tensors,
            **({"membership_values": members} if members else {}),
            **{name: column.astype(np.int64).tolist() for name, column in columns.items()},
        }

    def _put(self, name: str, values: NDArray[Any]) -> None:
        self._columns.setdefault(name, []).append(values)


def places_of_bits(words: NDArray[np.uint32]) -> Floats:
    """Return which bits of 32-bit words are set, the lowest of the first word being number 0."""
    bits = np.unpackbits(np.ascontiguousarray(words, dtype="<u4").view(np.uint8), bitorder="little")
    return np.flatnonzero(bits).astype(np.float64)
