"""Cells of dates and times, read exactly as `core/dates` reads them, where that is possible without Python.

Whatever a pattern of fixed width and polars agree on is a date in Python's eyes, too. Other cells are read one by one,
each distinct one once.
"""

import re
from collections.abc import Sequence, Set
from datetime import datetime
from typing import Final

import polars as pl

from tabserve.core import dates
from tabserve.core.features import DateFeature
from tabserve.core.use_case import UseCase

REMEMBERED: Final = 100_000
TYPE: Final = pl.Datetime("us")
ISO: Final = {"date": ("%Y-%m-%d",), "datetime": ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")}
DIGITS: Final = {
    "%Y": "(?:[1-9][0-9]{3}|0[0-9]{2}[1-9]|0[0-9][1-9]0|0[1-9]00)",  # there is no year 0
    "%m": "[0-9]{2}",
    "%d": "[0-9]{2}",
    "%H": "(?:[01][0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": "[0-5][0-9]",
}
DAY: Final[Set[str]] = frozenset({"%Y", "%m", "%d"})
TIME: Final[Sequence[Set[str]]] = (frozenset(), frozenset({"%H", "%M"}), frozenset({"%H", "%M", "%S"}))


class DateCells:
    """Reads the cells of one column."""

    def __init__(self, feature: DateFeature) -> None:
        self._feature = feature
        formats = (feature.format,) if feature.format else ISO[feature.type]
        self._formats = [(pattern, format_) for format_ in formats if (pattern := _fixed_width(format_))]
        self._known: dict[str, datetime | None] = {}

    def read(self, cells: pl.Series) -> pl.Series:
        """Return the times, or beginnings of days, on a clock of the feature's timezone; null for no date."""
        found = pl.Series([None], dtype=TYPE).new_from_index(0, len(cells))
        for pattern, format_ in self._formats:
            if not found.null_count():
                break
            text = pl.lit(cells)
            time = text.str.to_datetime(format_, time_unit="us", strict=False)
            found = pl.select(pl.coalesce(found, pl.when(text.str.contains(pattern)).then(time))).to_series()
        if found.null_count():
            rest = found.is_null()
            found = found.zip_with(~rest, self._one_by_one(cells, rest))
        return found.dt.truncate("1d") if self._feature.type == "date" else found

    def is_date(self, cell: str) -> bool:
        """Return whether a cell is a date or a time."""
        return self._read(cell) is not None

    def _one_by_one(self, cells: pl.Series, asked: pl.Series) -> pl.Series:
        if len(self._known) > REMEMBERED:
            self._known.clear()
        distinct = cells.filter(asked).unique()
        for cell in distinct:
            if cell not in self._known:
                self._known[cell] = self._read(cell)
        times = pl.Series([self._known[cell] for cell in distinct], dtype=TYPE)
        return cells.replace_strict(distinct, times, default=None, return_dtype=TYPE)

    def _read(self, cell: str) -> datetime | None:
        try:
            text = dates.iso(self._feature, cell)
        except ValueError:
            return None
        try:
            return dates.moment(self._feature, text).replace(tzinfo=None)
        except OverflowError:  # on a clock of the timezone it is before the first year, or after the last
            return datetime.fromisoformat(text).replace(tzinfo=None)


def readers(use_case: UseCase) -> dict[str, DateCells]:
    """Return a reader for each column of dates or times."""
    return {feature.name: DateCells(feature) for feature in use_case.features if isinstance(feature, DateFeature)}


def _fixed_width(format_: str) -> str | None:
    """Return the pattern of texts in a format that has a width of its own and no name in it; None for any other."""
    parts = re.split("(%.)", format_)
    used = [part for part in parts if part.startswith("%")]
    is_known = len(used) == len(set(used)) and set(used) >= DAY and set(used) - DAY in TIME
    if not is_known or "%" in "".join(parts[0::2]):
        return None
    return f"^{''.join(DIGITS.get(part) or re.escape(part) for part in parts)}$"
