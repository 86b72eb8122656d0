"""Validate a raw file chunk by chunk and write its good and bad rows."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import polars as pl

from tabserve.core import rules
from tabserve.core.errors import FileRejectedError
from tabserve.core.good_rows import ROW_NUMBER
from tabserve.core.use_case import UseCase
from tabserve.ingestion.structure import Header, blank, only_tells_delimiter, read_header, write_record
from tabserve.ingestion.validation_result import ValidationResult
from tabserve.ingestion.validator.bad_rows import BadRows
from tabserve.ingestion.validator.chunk import ChunkValidator, Reasons
from tabserve.ingestion.validator.date_cells import readers
from tabserve.ingestion.validator.lines import Limits, Lines, read_lines
from tabserve.ingestion.validator.records import RecordChunk, RecordReader
from tabserve.ingestion.validator.statistics import Statistics

LIMITS: Final = Limits()


def validate_rows(
    raw: BinaryIO,
    use_case: UseCase,
    good: BinaryIO,
    bad: BinaryIO,
    seconds_left: Callable[[], float] = lambda: math.inf,
    limits: Limits = LIMITS,
) -> ValidationResult:
    """Write the good and the bad object of a raw file; raise FileRejectedError for one whose rows cannot be told apart.

    See `quarantine` for the bad object; the good one has the original lines of good rows, each behind its row number.
    Raise FileRejectedError, too, when there are no seconds left before all is read.
    """
    try:
        return _validate(_in_time(read_lines(raw, limits, use_case.format), seconds_left), use_case, good, bad)
    except pl.exceptions.PanicException as error:
        # No Exception by its class, so nobody would take it for one.
        raise RuntimeError(f"polars panicked: {error}") from error


def _in_time(lines: Iterator[Lines], seconds_left: Callable[[], float]) -> Iterator[Lines]:
    for chunk in lines:
        if seconds_left() <= 0:
            raise FileRejectedError(
                "out_of_time",
                f"Ingestion had time for the file as far as line {chunk.first_number:,} only; {rules.SPLIT_IT}.",
            )
        yield chunk


def _validate(lines: Iterator[Lines], use_case: UseCase, good: BinaryIO, bad: BinaryIO) -> ValidationResult:
    header, rest = _read_header(lines, use_case)
    delimiter = use_case.format.delimiter
    good.write(f"{write_record((ROW_NUMBER, *header.columns), delimiter)}\n".encode())
    date_cells = readers(use_case)
    statistics, bad_rows, hopes = Statistics(use_case, date_cells), BadRows(use_case, date_cells, bad), Hopes()
    validator = ChunkValidator(use_case, header, date_cells, statistics)
    for records in _records(rest, header.width, delimiter):
        hopes.look(records, validator.rows)
        first_row = validator.rows + 1
        reasons = validator.validate(records)
        hopes.compare(validator.rows, validator.rows_bad, sum(map(len, reasons.values())))
        _write(records, reasons, first_row, (good, delimiter), bad_rows)
    bad_rows.flush()
    if validator.rows == 0:
        raise FileRejectedError("header_only", "The file has a header and no rows.")
    return ValidationResult(
        rows_total=validator.rows,
        rows_good=validator.rows - validator.rows_bad,
        rows_bad=validator.rows_bad,
        issues=bad_rows.issues(header),
        statistics=statistics.result(),
        first_bad_rows=tuple(bad_rows.first),
    )


@dataclass(slots=True)
class Hopes:
    """Gives up on files that are not what they should be, before each of their rows has been explained."""

    first_formed: int | None = None
    failure_cases: int = 0

    def look(self, records: RecordChunk, rows_before: int) -> None:
        """See whether a record can be read; raise FileRejectedError when none of the first ones can."""
        if self.first_formed is None:
            place = next((place for place in range(len(records.text)) if place not in records.broken), None)
            self.first_formed = None if place is None else rows_before + place + 1
        first = rules.FIRST_ROWS
        if rows_before + len(records.text) >= first and (self.first_formed is None or self.first_formed > first):
            raise FileRejectedError("unlike_its_header", f"None of the first {first} rows can be read by the header.")

    def compare(self, rows: int, bad: int, new_cases: int) -> None:
        """Raise FileRejectedError when there are too many rows, or so many bad ones that nobody reads on."""
        self.failure_cases += new_cases
        if rows > rules.MAX_ROWS:
            raise FileRejectedError(
                "too_many_rows", f"The file has more than {rules.MAX_ROWS:,} rows; {rules.SPLIT_IT}."
            )
        if bad <= rows / 2:
            return
        if bad > rules.MAX_BAD_ROWS or self.failure_cases > rules.MAX_FAILURE_CASES:
            what = f"{bad:,} of the first {rows:,} rows are bad, for {self.failure_cases:,} reasons"
            raise FileRejectedError("too_many_bad_rows", f"{what}; correct the file at its source and send it again.")


def _read_header(lines: Iterator[Lines], use_case: UseCase) -> tuple[Header, Iterator[Lines]]:
    empty = True
    for chunk in lines:
        empty = False
        for place in chunk.text.str.contains(f"[^{blank(use_case.format.delimiter)}]").arg_true():
            text = chunk.text[place]
            if chunk.first_number + place in chunk.undecodable:
                raise _undecodable_header(use_case)
            if not only_tells_delimiter(text, use_case.format):
                return read_header(text, use_case), _after(chunk, place + 1, lines)
    if empty:
        raise FileRejectedError("empty_file", "The file has no content.")
    raise FileRejectedError("blank_lines_only", "The file has nothing but blank lines.")


def _undecodable_header(use_case: UseCase) -> FileRejectedError:
    rule = "header_not_utf8" if use_case.format.is_utf8 else "header_not_in_encoding"
    return FileRejectedError(rule, f"The header has bytes that are not {use_case.format.encoding_name}.")


def _after(chunk: Lines, place: int, lines: Iterator[Lines]) -> Iterator[Lines]:
    if place < len(chunk.text):
        yield Lines(chunk.text.slice(place), chunk.first_number + place, chunk.undecodable, chunk.unterminated)
    yield from lines


def _records(lines: Iterator[Lines], width: int, delimiter: str) -> Iterator[RecordChunk]:
    reader = RecordReader(width, delimiter)
    for chunk in lines:
        yield reader.read(chunk)
    yield reader.finish()


def _write(
    records: RecordChunk, reasons: Reasons, first_row: int, good: tuple[BinaryIO, str], bad_rows: BadRows
) -> None:
    if not reasons:
        _write_numbered(records.text, first_row + pl.int_range(len(records.text), eager=True), *good)
        return
    places = sorted(reasons)
    refused = pl.Series(places, dtype=pl.UInt32).implode()
    kept = (~pl.int_range(len(records.text), dtype=pl.UInt32, eager=True).is_in(refused)).arg_true()
    _write_numbered(records.text.gather(kept), first_row + kept, *good)
    numbers = records.line_numbers.gather(places).to_list()
    texts = records.text.gather(places).to_list()
    for place, line_number, text in zip(places, numbers, texts, strict=True):
        bad_rows.add(first_row + place, line_number, records.raw(line_number, text), reasons[place])


def _write_numbered(lines: pl.Series, row_numbers: pl.Series, stream: BinaryIO, delimiter: str) -> None:
    frame = pl.DataFrame([row_numbers, lines])
    frame.write_csv(stream, include_header=False, quote_style="never", separator=delimiter)
