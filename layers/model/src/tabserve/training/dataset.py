"""Labelled rows: a table of text, the valid rows made of it, their split into rows to learn from and held-out ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tabserve.core.errors import TrainingDataError

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table as a CSV file holds it: a header and cells of text; its rows can be read again and again."""

    name: str
    header: tuple[str, ...]
    rows: Iterable[Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Valid rows by column: the record's columns and the derived ones.

    Numbers and booleans are float64 with NaN for missing ones; all others are objects with None. `targets`, of shape
    (rows,), are places in the use case's list of classes, or a regression's numbers.
    """

    ids: Sequence[str]
    columns: Mapping[str, Array]
    targets: Array
    sha256: str = ""  # of the whole table they were read from, however it was quoted and ended its lines

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, places: Sequence[int] | NDArray[np.intp]) -> "LabelledRows":
        """Return some of the rows."""
        chosen = np.asarray(places, dtype=np.intp)
        ids = tuple(self.ids[place] for place in chosen.tolist()) if self.ids else ()
        return LabelledRows(ids, {name: values[chosen] for name, values in self.columns.items()}, self.targets[chosen])


def has_value(column: Array) -> NDArray[np.bool_]:
    """Return where a column has a value."""
    return ~np.isnan(column) if column.dtype == np.float64 else np.array([value is not None for value in column])


def split_rows(rows: LabelledRows, share: float, seed: int, *, by_class: bool) -> tuple[LabelledRows, LabelledRows]:
    """Hold out a share of the rows, of each class's where there are classes, drawn with a seed.

    Return rows to learn from and rows held out.
    """
    generator = np.random.default_rng(seed)
    held_out = np.zeros(len(rows), dtype=bool)
    groups = [rows.targets == target for target in np.unique(rows.targets)] if by_class else [np.ones_like(held_out)]
    for group in groups:
        places = generator.permutation(np.flatnonzero(group))
        count = min(max(round(len(places) * share), 1), len(places) - 1)
        held_out[places[:count]] = True
    return rows.take(np.flatnonzero(~held_out)), rows.take(np.flatnonzero(held_out))


def require_disjoint(training: LabelledRows, held_out: LabelledRows, name: str) -> None:
    """Raise TrainingDataError when a held-out row was learned from."""
    shared = set(training.ids).intersection(held_out.ids)
    if shared:
        raise TrainingDataError(
            f"{name}: {len(shared)} ids are also in the training data (first: {min(shared)!r}); "
            "measures on rows the model has learned from would flatter it."
        )
