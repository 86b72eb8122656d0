"""Tree ensembles as data: what a library grew, how it compares and adds, and what it makes of the sum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tabserve.training.trees import BRANCH_LEQ, Tree

# What becomes of the sums: `sigmoid` of one sum for two classes, `softmax` or `sigmoids` of one sum a class.
Link = Literal["identity", "exp", "signed_square", "log1p_exp", "sigmoid", "sigmoids", "softmax"]


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """Trees whose values are added in their order, in arithmetic of `kind`; then divided, scaled and linked.

    `mode` is how a node compares. Before that, features are taken in another `order`, and those of `codes` become
    their places among known values, unknown ones missing; features are rounded to 32 bits if `rounded`, and what equals
    `missing` is; `truncated` ones are cut to whole numbers; `zero_missing` ones are missing up to `tiny`.
    """

    trees: Sequence[Tree]
    targets: int
    mode: int = BRANCH_LEQ
    kind: type[np.floating[Any]] = np.float64
    order: tuple[int, ...] = ()
    codes: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    rounded: bool = False
    missing: float | None = None
    truncated: tuple[int, ...] = ()
    zero_missing: tuple[int, ...] = ()
    tiny: float = 0.0
    divisor: float | None = None
    scale: float = 1.0
    link: Link = "identity"
