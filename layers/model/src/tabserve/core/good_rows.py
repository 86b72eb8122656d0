"""Good objects: the one way to read them, and to turn their cells into the records a prediction is asked for.

The first column, whatever the others are called, is the number of the row in the raw file. The others carry the names
of the use case, so nobody who reads them has to guess. They are UTF-8, with the delimiter and the decimal sign of the
use case's raw files.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, Final

from tabserve.core import dates, rules
from tabserve.core.csv_files import OUTER_SPACE, CsvRows, folded, places
from tabserve.core.errors import FileRejectedError
from tabserve.core.features import (
    BooleanFeature,
    CategoryFeature,
    DateFeature,
    Feature,
    NumberFeature,
    TextFeature,
)
from tabserve.core.records import Features, Value
from tabserve.core.use_case import UseCase

RAW_WRITTEN_AT: Final = "raw-written-at"

ROW_NUMBER: Final = "row_number"
UNNUMBERED: Final = "no_row_numbers"

Row = tuple[int, Sequence[str]]
Convert = Callable[[str], Value]
# Python reads more as a number than ingestion accepts: 1_0 is ten to it, and so are other scripts' digits.
NUMBER: Final = re.compile(rules.NUMBER)
WHOLE: Final = re.compile(rules.INTEGER)


class GoodRows:
    """Iterates over the numbered rows of a good object; `offset` is the byte behind the last one."""

    def __init__(self, stream: BinaryIO, delimiter: str) -> None:
        """Read the columns; raise FileRejectedError where the object does not number its rows."""
        self._delimiter = delimiter
        self._rows = CsvRows(stream, delimiter=delimiter)
        number, *columns = next(iter(self._rows), [""])
        if number != ROW_NUMBER:
            raise FileRejectedError(
                UNNUMBERED,
                f"The good file does not begin with the column {ROW_NUMBER}, so it is older than this version of "
                "tabserve or written by others; upload the raw file again.",
            )
        self.columns: Sequence[str] = columns

    @property
    def offset(self) -> int:
        """Return the byte behind the last row that was read."""
        return self._rows.offset

    def go_on(self, stream: BinaryIO, offset: int) -> None:
        """Read on in a stream of the same object that begins at byte `offset`, where a row begins."""
        self._rows = CsvRows(stream, offset, self._delimiter)

    def __iter__(self) -> Iterator[Row]:
        """Yield rows with their numbers; raise FileRejectedError where the object is not what ingestion writes."""
        for number, *cells in self._rows:
            if not (number.isascii() and number.isdecimal()):
                raise FileRejectedError(
                    "no_row_numbers", f"A row of the good file has no number before byte {self.offset}."
                )
            yield int(number), cells


class Records:
    """Reads rows by the use case's columns, wherever they stand in the file."""

    def __init__(self, use_case: UseCase, header: Sequence[str]) -> None:
        """Find the columns; raise ValueError for a missing one."""
        place = places(header)
        missing = [name for name in use_case.required_columns if folded(name) not in place]
        if missing:
            raise ValueError(f"the file has no column {', '.join(missing)}")
        self._width = len(header)
        self._id_place = place[folded(use_case.id_column)] if use_case.id_column else None
        self._missing = frozenset(use_case.missing_values)
        self._is_stripped = use_case.format.strip
        self._features = [(f.name, place[folded(f.name)], converter(f, use_case)) for f in use_case.features]
        self._names_size = sum(len(f.name) + len('"":"",') for f in use_case.features) + len('{"entity_id":""},')

    def size(self, cells: Sequence[str]) -> int:
        """Estimate the bytes of a row's record as JSON: more than that where text needs escapes."""
        return self._names_size + sum(map(len, cells))

    def read(self, cells: Sequence[str]) -> Features:
        """Return a row's features, missing ones as None, with its id as `entity_id`; raise ValueError."""
        if len(cells) != self._width:
            raise ValueError(f"a row has {len(cells)} fields, the header {self._width}")
        if self._is_stripped:
            cells = [cell.strip(OUTER_SPACE) for cell in cells]
        missing = self._missing
        record: dict[str, Value] = {}
        for name, place, convert in self._features:
            cell = cells[place]
            record[name] = None if cell in missing else convert(cell)
        if self._id_place is not None and cells[self._id_place] not in missing:
            record["entity_id"] = cells[self._id_place]
        return record


def converter(feature: Feature, use_case: UseCase) -> Convert:
    """Return how a feature's cells are read; it raises ValueError for those that are no value."""
    match feature:
        case CategoryFeature(is_open=False):
            return _category(feature)
        case CategoryFeature():
            return _text(rules.MAX_CATEGORY)
        case BooleanFeature():
            return _boolean
        case DateFeature():
            return partial(dates.iso, feature)
        case TextFeature():
            return _text(feature.max_length)
        case NumberFeature(type="integer"):
            return _whole
    return _number if use_case.format.decimal == "." else _number_with_comma


def _category(feature: CategoryFeature) -> Convert:
    written = {str(category): category for category in feature.categories}

    def category(cell: str) -> Value:
        if cell not in written:
            raise ValueError(f"{feature.name} has a value that is none of its categories")
        return written[cell]

    return category


def _boolean(cell: str) -> Value:
    known = rules.BOOLEANS.get(cell.lower())
    if known is None:
        raise ValueError("a cell is neither yes nor no")
    return known


def _text(most: int) -> Convert:
    def text(cell: str) -> Value:
        if not 0 < len(cell) <= most:
            raise ValueError(f"a cell has not 1 to {most} characters")
        return cell

    return text


def _number_with_comma(cell: str) -> Value:
    if "." in cell:
        raise ValueError("a number has a decimal point in place of a comma")
    return _number(cell.replace(",", "."))


def _whole(cell: str) -> Value:
    if not WHOLE.fullmatch(cell):
        raise ValueError("a cell is not a whole number")
    return int(cell)


def _number(cell: str) -> Value:
    if not NUMBER.fullmatch(cell):
        raise ValueError("a cell is not a number")
    number = float(cell)
    if math.isinf(number):
        raise ValueError("a number is not finite")
    return number
