"""Parity: an exported model answers like the original, also to missing and unknown values."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import ParityError
from tabserve.registry.version import Parity
from tabserve.training.decision import Decide

Floats = NDArray[np.float64]

TOLERANCE: Final = 1e-6


def compare(original: Floats, exported: Floats, decide: Decide) -> Parity:
    """Compare probabilities of shape (rows, classes)."""
    if original.shape != exported.shape:
        return Parity(rows=len(original), max_difference=math.inf, differing_classes=len(original))
    differing = int(np.sum(decide(original) != decide(exported)))
    difference = float(np.max(np.abs(original - exported)))
    return Parity(rows=len(original), max_difference=difference, differing_classes=differing)


def compare_values(original: Floats, exported: Floats) -> Parity:
    """Compare a regression's values, of shape (rows, 1), by their relative difference.

    Values near zero are compared by the mean size of all of them.
    """
    if original.shape != exported.shape:
        return Parity(rows=len(original), max_difference=math.inf, differing_classes=0)
    sizes = np.abs(original)
    scale = np.maximum(sizes, sizes.mean())
    difference = np.abs(original - exported) / np.where(scale > 0, scale, 1.0)
    return Parity(rows=len(original), max_difference=float(np.max(difference)), differing_classes=0)


def total(found: Sequence[Parity]) -> Parity:
    """Return what was found about all rows from what was found about some of them at a time."""
    return Parity(
        rows=sum(each.rows for each in found),
        max_difference=float(np.max([each.max_difference for each in found])),  # NaN stays NaN
        differing_classes=sum(each.differing_classes for each in found),
    )


def require_parity(parity: Parity, answers: str = "probabilities") -> None:
    """Raise ParityError when an answer or a class differs; NaN differs from everything."""
    if parity.differing_classes or not parity.max_difference <= TOLERANCE:
        raise ParityError(
            f"Not registered: of {parity.rows} rows the exported model answers {parity.differing_classes} with another "
            f"class; {answers} differ by up to {parity.max_difference:.2g}, allowed is {TOLERANCE:g}."
        )
