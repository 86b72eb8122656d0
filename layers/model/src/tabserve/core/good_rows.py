"""Good objects: the one way to read them, and the header they begin with.

The first column, whatever the others are called, is the number of the row in the raw file. The others carry the names
of the use case, so nobody who reads them has to guess.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from tabserve.core.csv_rows import CsvRows
from tabserve.core.errors import FileRejectedError

RAW_WRITTEN_AT: Final = "raw-written-at"

ROW_NUMBER: Final = "row_number"
UNNUMBERED: Final = "no_row_numbers"

Row = tuple[int, Sequence[str]]


class GoodRows:
    """Iterates over the numbered rows of a good object; `offset` is the byte behind the last one."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the columns; raise FileRejectedError where the object does not number its rows."""
        self._rows = CsvRows(stream)
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
        self._rows = CsvRows(stream, offset)

    def __iter__(self) -> Iterator[Row]:
        """Yield rows with their numbers; raise FileRejectedError where the object is not what ingestion writes."""
        for number, *cells in self._rows:
            if not (number.isascii() and number.isdecimal()):
                raise FileRejectedError(
                    "no_row_numbers", f"A row of the good file has no number before byte {self.offset}."
                )
            yield int(number), cells
