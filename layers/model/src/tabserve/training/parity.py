"""Parity: an exported model answers like the original, also to missing and unknown values."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tabserve.core.errors import ParityError
from tabserve.core.features import Feature, NumberFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.core.validation import Columns
from tabserve.registry.version import Parity

Floats = NDArray[np.float64]

RANDOM_ROWS: Final = 100_000
MOST_CELLS: Final = 20_000_000  # of the random rows; above 200 features there are fewer rows
CELLS_AT_ONCE: Final = 2_000_000
TOLERANCE: Final = 1e-6
SHARE_MISSING: Final = 0.1
SHARE_UNKNOWN: Final = 0.1
SHARE_SEEN: Final = 0.5
UNKNOWN: Final = ("unknown", "UNKNOWN ", "é", "0x1", "-1")


def random_count(use_case: UseCase) -> int:
    """Return how many random rows to compare."""
    return min(RANDOM_ROWS, MOST_CELLS // len(use_case.features))


def random_rows(use_case: UseCase, seen: Mapping[str, Sequence[Value]], seed: int) -> Iterator[tuple[Columns, int]]:
    """Draw rows, valid or not, in pieces with their numbers of rows.

    Half of the numbers were seen before, since trees cut next to those.
    """
    generator = np.random.default_rng(seed)
    known = {name: np.array([v for v in values if v is not None]) for name, values in seen.items()}
    count, most = random_count(use_case), max(1, CELLS_AT_ONCE // len(use_case.features))
    for start in range(0, count, most):
        rows = min(most, count - start)
        columns = {each.name: _random_column(each, known[each.name], rows, generator) for each in use_case.features}
        yield columns, rows


def compare(original: Floats, exported: Floats) -> Parity:
    """Compare probabilities of shape (rows, classes)."""
    if original.shape != exported.shape:
        return Parity(rows=len(original), max_difference=math.inf, differing_classes=len(original))
    differing = int(np.sum(original.argmax(axis=1) != exported.argmax(axis=1)))
    difference = float(np.max(np.abs(original - exported)))
    return Parity(rows=len(original), max_difference=difference, differing_classes=differing)


def total(found: Sequence[Parity]) -> Parity:
    """Return what was found about all rows from what was found about some of them at a time."""
    return Parity(
        rows=sum(each.rows for each in found),
        max_difference=float(np.max([each.max_difference for each in found])),  # NaN stays NaN
        differing_classes=sum(each.differing_classes for each in found),
    )


def require_parity(parity: Parity) -> None:
    """Raise ParityError when a probability or a class differs; NaN differs from everything."""
    if parity.differing_classes or not parity.max_difference <= TOLERANCE:
        raise ParityError(
            f"Not registered: of {parity.rows} rows the exported model answers {parity.differing_classes} with another "
            f"class; probabilities differ by up to {parity.max_difference:.2g}, allowed is {TOLERANCE:g}."
        )


def _random_column(feature: Feature, known: NDArray[Any], count: int, generator: Generator) -> list[Value]:
    if not isinstance(feature, NumberFeature):
        categories = getattr(feature, "categories", ())
        values: list[Value] = [categories[i] for i in generator.integers(0, len(categories), count)]
        for place in np.flatnonzero(generator.random(count) < SHARE_UNKNOWN):
            values[place] = UNKNOWN[generator.integers(0, len(UNKNOWN))]
    else:
        numbers = generator.uniform(feature.minimum, feature.maximum, count)
        numbers = np.round(numbers) if feature.type == "integer" else numbers
        if len(known):
            numbers = np.where(generator.random(count) < SHARE_SEEN, generator.choice(known, count), numbers)
        values = numbers.tolist()
    for place in np.flatnonzero(generator.random(count) < SHARE_MISSING):
        values[place] = None
    return values
