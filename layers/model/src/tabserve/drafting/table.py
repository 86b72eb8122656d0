"""A table as somebody saved it: its compression, encoding, delimiter and decimal sign found out, its cells as text."""

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tabserve.core import rules
from tabserve.core.csv_files import OUTER_SPACE, alike
from tabserve.core.errors import DraftError
from tabserve.core.limits import FileFormat

MOST_BYTES: Final = 512 * 2**20  # of text: what comes behind is not looked at
SNIFFED_ROWS: Final = 1_000
FEWEST_ROWS: Final = 20
DELIMITERS: Final = (",", ";", "\t", "|")
GZIP: Final = b"\x1f\x8b"
WESTERN: Final = ("windows-1252", "latin-1")
WITH_POINT: Final = r"^[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
WITH_COMMA: Final = r"^[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?$"


@dataclass(frozen=True, slots=True)
class SomeTable:
    """The cells of a table as text, without outer white space, by column; `is_whole` unless it was too large."""

    path: Path
    format: FileFormat
    cells: pl.DataFrame
    nameless: int
    is_whole: bool


def read_table(path: Path) -> SomeTable:
    """Read a CSV file of any dialect; raise DraftError with what is wrong and what would be right."""
    body, compression = _body(path)
    text, encoding = _text(path, body)
    delimiter = _delimiter(path, text)
    header, cells = _cells(path, text, delimiter)
    stripped = cells.select(pl.all().str.strip_chars(OUTER_SPACE))
    is_padded = not cells.equals(stripped)
    decimal = _decimal(path, stripped, delimiter)
    found = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding, "compression": compression}
    format_ = FileFormat.model_validate({**found, "strip": is_padded})
    return SomeTable(path, format_, stripped, header.count(""), len(body) < MOST_BYTES)


def _body(path: Path) -> tuple[bytes, str]:
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == GZIP
            raw.seek(0)
            stream = gzip.GzipFile(fileobj=raw) if is_gzip else raw
            body = stream.read(MOST_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DraftError(f"{path.name} is a damaged gzip file: {error}.") from error
    except OSError as error:
        raise DraftError(f"Cannot read {path}: {error.strerror}.") from error
    if not body.strip():
        raise DraftError(f"{path.name} is empty; a table needs names in its first line and rows below.")
    if len(body) == MOST_BYTES:
        body = body[: body.rfind(b"\n") + 1]
    return body, "gzip" if is_gzip else "none"


def _text(path: Path, body: bytes) -> tuple[str, str]:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace"), "utf-16"
    if b"\0" in body[:SNIFFED_ROWS]:
        raise DraftError(f"{path.name} is no text; save the table as a CSV file, in UTF-8 for example.")
    try:
        return body.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        for encoding in WESTERN:
            try:
                return body.decode(encoding), encoding
            except UnicodeDecodeError:
                continue
    raise DraftError(f"{path.name} is in no encoding that is known here; save it in UTF-8.")


def _delimiter(path: Path, text: str) -> str:
    """Return the sign that cuts most of the first rows into as many fields as the first one."""
    found = []
    for delimiter in DELIMITERS:
        widths = [len(row) for row in _first_rows(text, delimiter)]
        alike_ = widths.count(widths[0]) / len(widths)
        if widths[0] > 1 and alike_ > 0.9:
            found.append((alike_, widths[0], delimiter))
    if not found:
        signs = "comma, semicolon, tab or |"
        raise DraftError(
            f"The first line of {path.name} does not fit its rows, separated by {signs}; is it a CSV file?"
        )
    return max(found)[-1]


def _first_rows(text: str, delimiter: str) -> list[list[str]]:
    rows = (row for row in csv.reader(io.StringIO(text[: 2**20], newline=""), delimiter=delimiter) if row)
    found = [row for _, row in zip(range(SNIFFED_ROWS), _unbroken(rows), strict=False)]
    return found[:-1] if len(text) > 2**20 and len(found) > 1 else found or [[""]]


def _unbroken(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error:
        return


def _cells(path: Path, text: str, delimiter: str) -> tuple[list[str], pl.DataFrame]:
    header = [name.strip() for name in _first_rows(text, delimiter)[0]]
    if doubled := alike([name for name in header if name]):
        raise DraftError(f"{path.name} has more than one column named {doubled[0]!r}; give each a name of its own.")
    if all(_is_number(name) for name in header if name):
        raise DraftError(f"The first line of {path.name} holds numbers; it must hold the names of the columns.")
    names = [name or f"\0{place}" for place, name in enumerate(header)]
    try:
        cells = pl.read_csv(
            io.BytesIO(text.encode()),
            separator=delimiter,
            new_columns=names,
            infer_schema=False,
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError as error:
        raise DraftError(f"{path.name} is not CSV: {_first_broken(text, delimiter, len(names))}.") from error
    if cells.null_count().sum_horizontal().item():
        raise DraftError(f"{path.name} is not CSV: {_first_broken(text, delimiter, len(names))}.")
    if len(cells) < FEWEST_ROWS:
        raise DraftError(
            f"{path.name} has {len(cells)} rows; a model needs {FEWEST_ROWS} at least, hundreds to be good."
        )
    return header, cells


def _is_number(text: str) -> bool:
    return any(pl.Series([text]).str.contains(f"^(?:{pattern})$").any() for pattern in (rules.NUMBER, WITH_COMMA))


def _first_broken(text: str, delimiter: str, width: int) -> str:
    try:
        for number, row in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), start=1
        ):
            if row and len(row) != width:
                return f"line {number} has {len(row)} fields, the first line {width}"
    except csv.Error as error:
        return str(error)
    return "a quote is opened and not closed"


def _decimal(path: Path, cells: pl.DataFrame, delimiter: str) -> str:
    """Return the decimal sign of most columns; raise DraftError where a column has both."""
    found: Counter[str] = Counter()
    for name in cells.columns:
        points = cells[name].str.contains(WITH_POINT)
        commas = cells[name].str.contains(WITH_COMMA)
        if points.any() and commas.any() and (points | commas).sum() > len(cells) / 2:
            one, other = cells[name].filter(points)[0], cells[name].filter(commas)[0]
            raise DraftError(
                f"Column {name!r} of {path.name} has two decimal signs, such as {one} and {other}; write one of them."
            )
        found["."] += int(points.sum() > len(cells) / 10)
        found[","] += int(commas.sum() > len(cells) / 10)
    return "," if delimiter != "," and found[","] > found["."] else "."
