"""CSV files: their rows, and when two of their column names are the same: for raw files, good files and definitions."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final

from tabserve.core.errors import FileRejectedError

BOM: Final = b"\xef\xbb\xbf"

# Longer than any line that is read.
LONGEST_CELL: Final = 2**27

INVISIBLE: Final = "Cf"
OUTER_SPACE: Final = " \t"  # what is no part of a cell where a format says `strip`
TOLD: Final = re.compile('sep=(.)|"sep=(.)"', re.IGNORECASE)


def rows_of(lines: Iterable[str], delimiter: str = ",", *, strict: bool = True) -> Iterator[list[str]]:
    """Return the rows of lines of text, cells as long as they may be; csv raises its own error."""
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def told_delimiter(line: str) -> str | None:
    """Return the delimiter that a line tells spreadsheets, such as `sep=;`; None for any other line."""
    told = TOLD.fullmatch(line)
    return told and (told[1] or told[2])


class CsvRows:
    """Iterates over rows, blank lines left out; `offset` is the byte behind the last one."""

    def __init__(self, stream: BinaryIO, offset: int = 0, delimiter: str = ",") -> None:
        """Read a stream that begins at byte `offset` of the file, where a row begins."""
        self.offset = offset
        self._stream = stream
        self._rows = rows_of(self._lines(), delimiter)

    def __iter__(self) -> Iterator[list[str]]:
        """Yield rows; raise FileRejectedError where the file is not CSV."""
        try:
            yield from filter(None, self._rows)
        except csv.Error as error:
            raise FileRejectedError("not_csv", f"The file is not CSV before byte {self.offset}: {error}.") from error

    def _lines(self) -> Iterator[str]:
        # csv asks for a line only when it needs one to finish a row; so no byte behind the row has been counted.
        for line in self._stream:
            text = line.removeprefix(BOM) if self.offset == 0 else line
            self.offset += len(line)
            # What is not UTF-8 stays recognisable: no rule accepts it in a cell that matters.
            yield text.decode("utf-8", "surrogateescape")


def folded(name: str) -> str:
    """Return a name as it is compared: without case, invisible characters and outer white space, inner one a space."""
    visible = "".join(character for character in name if unicodedata.category(character) != INVISIBLE)
    return " ".join(visible.split()).casefold()


def places(header: Sequence[str]) -> dict[str, int]:
    """Return where each column stands, by its folded name."""
    return {folded(name): place for place, name in enumerate(header)}


def alike(names: Sequence[str]) -> list[str]:
    """Return the names that fold like another one, sorted; those that fold to nothing are no names."""
    counts = Counter(map(folded, names))
    return sorted({name for name in names if folded(name) and counts[folded(name)] > 1})
