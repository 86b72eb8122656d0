"""A byte stream as physical lines, in chunks of bounded size."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import polars as pl

from tabserve.core.csv_files import BOM
from tabserve.core.errors import FileRejectedError
from tabserve.core.limits import FileFormat
from tabserve.core.rules import MAX_FILE_BYTES, SPLIT_IT
from tabserve.ingestion.validator.decoding import as_utf8

REPLACEMENT: Final = "\ufffd"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at once and at all: bytes, and lines, which may be as short as nothing."""

    chunk: int = 4 * 2**20
    lines: int = 100_000
    line: int = 16 * 2**20
    file: int = MAX_FILE_BYTES


@dataclass(frozen=True, slots=True)
class Lines:
    """Physical lines that follow each other; `undecodable` holds the bytes of those that are no text, by number."""

    text: pl.Series
    first_number: int
    undecodable: Mapping[int, bytes] = field(default_factory=dict)
    unterminated: int | None = None


def read_lines(stream: BinaryIO, limits: Limits, file_format: FileFormat) -> Iterator[Lines]:
    """Yield a file's lines, whatever their ends; raise FileRejectedError for what is no text or too large."""
    number = 1
    for block, final in _blocks(as_utf8(stream, limits.chunk, file_format), limits):
        unterminated = final and not block.endswith(b"\n")
        text, undecodable = _as_lines(block, number)
        lines = Lines(text, number, undecodable, number + len(text) - 1 if unterminated else None)
        yield from _pieces(lines, limits.lines)
        number += len(text)


def _pieces(lines: Lines, most: int) -> Iterator[Lines]:
    for start in range(0, len(lines.text), most):
        text, first = lines.text.slice(start, most), lines.first_number + start
        numbers = range(first, first + len(text))
        undecodable = {number: line for number, line in lines.undecodable.items() if number in numbers}
        yield Lines(text, first, undecodable, lines.unterminated if lines.unterminated in numbers else None)


def _blocks(blocks: Iterator[bytes], limits: Limits) -> Iterator[tuple[bytes, bool]]:
    """Yield whole lines with their ends as line feeds, and whether the file ends there."""
    rest, size = b"", 0
    for index, block in enumerate(blocks):
        size += len(block)
        if size > limits.file:
            raise FileRejectedError("too_large", f"The file is larger than {limits.file // 2**20} MiB; {SPLIT_IT}.")
        data = rest + block
        if index == 0:
            data = data.removeprefix(BOM)
        # A carriage return at the very end may be half of a line end.
        usable = len(data) - data.endswith(b"\r")
        data, held = data[:usable], data[usable:]
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        cut = data.rfind(b"\n") + 1
        rest = data[cut:] + held
        if len(rest) > limits.line:
            raise FileRejectedError("too_long_line", f"A line is longer than {limits.line // 2**20} MiB.")
        if cut:
            yield data[:cut], False
    if rest:
        yield rest.replace(b"\r", b"\n"), True


def _as_lines(block: bytes, first_number: int) -> tuple[pl.Series, dict[int, bytes]]:
    try:
        return _read(block), {}
    except pl.exceptions.ComputeError:
        text = block.decode(errors="replace")
        return _read(text.encode()), _undecodable(block, text, first_number)


def _read(block: bytes) -> pl.Series:
    # Polars would unpack a block that begins like a compressed file; the empty line in front keeps it from that.
    return pl.read_lines(io.BytesIO(b"\n" + block)).to_series().slice(1)


def _undecodable(block: bytes, text: str, first_number: int) -> dict[int, bytes]:
    """Find the lines behind the replacement characters; a few of those may have been in the file."""
    lines = block.split(b"\n")
    found = {}
    index, position = 0, 0
    for match in re.finditer(REPLACEMENT, text):
        index += text.count("\n", position, match.start())
        position = match.start()
        if not _is_utf8(lines[index]):
            found[first_number + index] = lines[index]
    return found


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
