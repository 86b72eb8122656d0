"""Parity: an exported model answers like the original, also to missing and unknown values."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tabserve.core.errors import ParityError
from tabserve.core.records import Value
from tabserve.core.use_case import CategoryFeature, Feature, UseCase
from tabserve.core.validation import Columns
from tabserve.registry.version import Parity

Floats = NDArray[np.float64]

RANDOM_ROWS: Final = 100_000
TOLERANCE: Final = 1e-6
SHARE_MISSING: Final = 0.1
SHARE_UNKNOWN: Final = 0.1
SHARE_SEEN: Final = 0.5
UNKNOWN: Final = ("unknown", "UNKNOWN ", "é", "0x1", "-1")


def random_rows(use_case: UseCase, seen: Mapping[str, Sequence[Value]], count: int, seed: int) -> Columns:
    """Draw rows, valid or not: half of the numbers were seen before, since trees cut next to those."""
    generator = np.random.default_rng(seed)
    return {
        feature.name: _random_column(feature, seen[feature.name], count, generator) for feature in use_case.features
    }


def compare(original: Floats, exported: Floats) -> Parity:
    """Compare probabilities of shape (rows, classes)."""
    if original.shape != exported.shape:
        return Parity(rows=len(original), max_difference=math.inf, differing_classes=len(original))
    differing = int(np.sum(original.argmax(axis=1) != exported.argmax(axis=1)))
    difference = float(np.max(np.abs(original - exported)))
    return Parity(rows=len(original), max_difference=difference, differing_classes=differing)


def require_parity(parity: Parity) -> None:
    """Raise ParityError when a probability or a class differs; NaN differs from everything."""
    if parity.differing_classes or not parity.max_difference <= TOLERANCE:
        raise ParityError(
            f"Not registered: of {parity.rows} rows the exported model answers {parity.differing_classes} with another "
            f"class; probabilities differ by up to {parity.max_difference:.2g}, allowed is {TOLERANCE:g}."
        )


def _random_column(feature: Feature, seen: Sequence[Value], count: int, generator: Generator) -> list[Value]:
    if isinstance(feature, CategoryFeature):
        values: list[Value] = [feature.categories[i] for i in generator.integers(0, len(feature.categories), count)]
        for place in np.flatnonzero(generator.random(count) < SHARE_UNKNOWN):
            values[place] = UNKNOWN[generator.integers(0, len(UNKNOWN))]
    else:
        numbers = generator.uniform(feature.minimum, feature.maximum, count)
        numbers = np.round(numbers) if feature.type == "integer" else numbers
        known = np.array([value for value in seen if value is not None], dtype=np.float64)
        if len(known):
            numbers = np.where(generator.random(count) < SHARE_SEEN, generator.choice(known, count), numbers)
        values = numbers.tolist()
    for place in np.flatnonzero(generator.random(count) < SHARE_MISSING):
        values[place] = None
    return values
