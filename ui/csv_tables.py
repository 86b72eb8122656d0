"""CSV files as spreadsheets write them: with commas, semicolons or tabs, and with decimal points or commas."""

import csv
import gzip
import io
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ui.errors import UiError

LARGEST = 25_000_000  # bytes
SEPARATORS = {",": "", ";": "semicolon-separated", "\t": "tab-separated", "|": "separated by |"}
GZIP = b"\x1f\x8b"
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
Row = Mapping[str, str]


@dataclass(frozen=True)
class CsvTable:
    """The cells of a file, as text by column, and what separates them where that is no comma."""

    header: Sequence[str]
    rows: Sequence[Row]
    separated: str


def refuse_large(size: int, largest: int = LARGEST) -> None:
    """Look at a file's size in bytes before anything reads it; raise UiError when it is too large."""
    if size > largest:
        raise UiError(
            f"The file has {size / 1e6:,.0f} MB; {largest / 1e6:,.0f} MB are the most here.",
            "Cut it into smaller files, or send it under *Data quality*, which takes larger ones.",
        )


def read(file: BinaryIO, names: Sequence[str], most: int | None = None, encoding: str = "utf-8") -> CsvTable:
    """Read a file whose first line has some of `names`, and reads on to one row more than `most` at the furthest.

    It may be compressed by gzip. Raises UiError for what is no CSV and for more rows.
    """
    lines = io.TextIOWrapper(_unpacked(file), "utf-8-sig" if encoding == "utf-8" else encoding, newline="")
    try:
        separator = _separator(lines, names)
        reader = csv.DictReader(lines, restkey="", restval="", strict=False, delimiter=separator)
        header = list(reader.fieldnames or ())
        found = itertools.islice(reader, None if most is None else most + 1)
        rows = [{name: value for name, value in row.items() if name} for row in found]
    except UnicodeDecodeError as error:
        name = encoding.upper()
        raise UiError(f"The file is not {name} text.", f"Save it as “CSV {name}” and choose it again.") from error
    except csv.Error as error:
        raise UiError(f"The file is no CSV: {error}.", "Save it as CSV with commas and choose it again.") from error
    finally:
        lines.detach()  # closing it would close the file
    if most is not None and len(rows) > most:
        raise UiError(
            f"The file has more than {most:,} rows.",
            "Cut it into smaller files, or send it under *Data quality*: it is checked and predicted within minutes.",
        )
    return CsvTable(header, rows, SEPARATORS[separator])


def _unpacked(file: BinaryIO) -> BinaryIO:
    start = file.read(len(GZIP))
    file.seek(0)
    if start != GZIP:
        return file
    try:
        with gzip.open(file) as packed:
            body = packed.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise UiError("The file cannot be unpacked.", "Compress it with gzip again, or send it as it is.") from error
    refuse_large(len(body))
    return io.BytesIO(body)


def with_decimal_points(rows: Sequence[Row], names: Sequence[str]) -> tuple[Sequence[Row], bool]:
    """Write the numbers of these columns with points where all of them have commas; tell whether they had."""
    cells = [cell for row in rows for name in names if (cell := (row.get(name) or "").strip())]
    if not any(map(DECIMAL_COMMA.fullmatch, cells)) or any("." in cell for cell in cells):
        return rows, False
    return [{**row, **{name: _with_point(row[name]) for name in names if row.get(name)}} for row in rows], True


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell.strip()) else cell


def _separator(lines: io.TextIOWrapper, names: Sequence[str]) -> str:
    """Return what cuts the first line into most of the names; a comma when in doubt."""
    first = lines.readline()
    lines.seek(0)
    cut = {separator: set(next(csv.reader([first], delimiter=separator), ())) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda separator: len(cut[separator] & {*names}))
