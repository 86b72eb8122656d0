"""Judge a raw file chunk by chunk and write its good and bad rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import polars as pl

from tabserve.core import rules
from tabserve.core.errors import FileRejectedError
from tabserve.core.good_rows import ROW_NUMBER
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import HEADER, bad_record
from tabserve.ingestion.structure import BLANK, Header, read_header, write_record
from tabserve.ingestion.validation_result import Reason, Split
from tabserve.ingestion.validator.chunk import Judge, Refused
from tabserve.ingestion.validator.lines import Limits, Lines, read_lines
from tabserve.ingestion.validator.records import RecordReader, Records
from tabserve.ingestion.validator.statistics import Statistics
from tabserve.ingestion.validator.tally import Tally

LIMITS: Final = Limits()
ROWS_HELD: Final = 10_000
BYTES_HELD: Final = 4 * 2**20


class PanderaValidator:
    """Splits raw files by the pandera schemas of their use case; implements FileValidator."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits

    def split(self, raw: BinaryIO, use_case: UseCase, good: BinaryIO, bad: BinaryIO) -> Split:
        """Write the good and the bad object of a raw file; raise FileRejectedError when it cannot be split."""
        try:
            return self._split(raw, use_case, good, bad)
        except pl.exceptions.PanicException as error:
            # No Exception by its class, so nobody would take it for one.
            raise RuntimeError(f"polars panicked: {error}") from error

    def _split(self, raw: BinaryIO, use_case: UseCase, good: BinaryIO, bad: BinaryIO) -> Split:
        lines = read_lines(raw, self._limits)
        header, rest = _read_header(lines, use_case)
        good.write(f"{write_record((ROW_NUMBER, *header.columns))}\n".encode())
        bad.write(HEADER)
        tally, statistics = Tally(header), Statistics(use_case)
        judge = Judge(use_case, header, tally, statistics)
        quarantine = Quarantine(judge, bad)
        hopes = Hopes()
        for records in _records(rest, header.width):
            hopes.look(records, judge.rows)
            _write(records, judge, good, quarantine)
            hopes.judge(judge.rows, judge.rows_bad)
        quarantine.flush()
        if judge.rows == 0:
            raise FileRejectedError("header_only", "The file has a header and no rows.")
        return Split(judge.rows, judge.rows - judge.rows_bad, judge.rows_bad, tally.issues(), statistics.result())


@dataclass(slots=True)
class Hopes:
    """Gives up on files that are not what they should be, before each of their rows has been explained."""

    first_formed: int | None = None

    def look(self, records: Records, rows_before: int) -> None:
        """See whether a record can be read; raise FileRejectedError when none of the first ones can."""
        if self.first_formed is None:
            place = next((place for place in range(len(records.text)) if place not in records.broken), None)
            self.first_formed = None if place is None else rows_before + place + 1
        first = rules.FIRST_ROWS
        if rows_before + len(records.text) >= first and (self.first_formed is None or self.first_formed > first):
            raise FileRejectedError("unlike_its_header", f"None of the first {first} rows can be read by the header.")

    def judge(self, rows: int, bad: int) -> None:
        """Raise FileRejectedError when so many rows are bad that nobody reads on."""
        if bad > rules.MAX_BAD_ROWS and bad > rows / 2:
            raise FileRejectedError(
                "too_many_bad_rows", f"More than {rules.MAX_BAD_ROWS} rows are bad, and more than are good."
            )


def _read_header(lines: Iterator[Lines], use_case: UseCase) -> tuple[Header, Iterator[Lines]]:
    empty = True
    for chunk in lines:
        empty = False
        place = chunk.text.str.contains(f"[^{BLANK}]").arg_max()
        if place is not None and (text := chunk.text[place]).strip(BLANK):
            if chunk.first_number + place in chunk.undecodable:
                raise FileRejectedError("header_not_utf8", "The header has bytes that are not UTF-8.")
            header = read_header(text, use_case)
            return header, _after(chunk, place + 1, lines)
    if empty:
        raise FileRejectedError("empty_file", "The file has no content.")
    raise FileRejectedError("blank_lines_only", "The file has nothing but blank lines.")


def _after(chunk: Lines, place: int, lines: Iterator[Lines]) -> Iterator[Lines]:
    if place < len(chunk.text):
        yield Lines(chunk.text.slice(place), chunk.first_number + place, chunk.undecodable, chunk.unterminated)
    yield from lines


def _records(lines: Iterator[Lines], width: int) -> Iterator[Records]:
    reader = RecordReader(width)
    for chunk in lines:
        yield reader.read(chunk)
    yield reader.finish()


@dataclass(slots=True)
class Quarantine:
    """Bad rows on their way out: held until there are enough of them to be explained at once."""

    judge: Judge
    stream: BinaryIO
    rows: list[tuple[int, int, bytes]] = field(default_factory=list)
    refusals: list[Sequence[Reason | Refused]] = field(default_factory=list)
    size: int = 0

    def add(self, row_number: int, line_number: int, raw: bytes, found: Sequence[Reason | Refused]) -> None:
        """Take in a bad row."""
        self.rows.append((row_number, line_number, raw))
        self.refusals.append(found)
        self.size += len(raw)
        if len(self.rows) >= ROWS_HELD or self.size >= BYTES_HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        explained = self.judge.explained(self.refusals)
        self.stream.writelines(
            bad_record(row_number, line_number, reasons, raw)
            for (row_number, line_number, raw), reasons in zip(self.rows, explained, strict=True)
        )
        self.size = 0
        self.rows.clear()
        self.refusals.clear()


def _write(records: Records, judge: Judge, good: BinaryIO, quarantine: Quarantine) -> None:
    if not len(records.text):
        return
    first_row = judge.rows + 1
    reasons = judge.judge(records)
    if not reasons:
        _write_numbered(records.text, first_row + pl.int_range(len(records.text), eager=True), good)
        return
    places = sorted(reasons)
    refused = pl.Series(places, dtype=pl.UInt32).implode()
    kept = (~pl.int_range(len(records.text), dtype=pl.UInt32, eager=True).is_in(refused)).arg_true()
    _write_numbered(records.text.gather(kept), first_row + kept, good)
    numbers = records.line_numbers.gather(places).to_list()
    texts = records.text.gather(places).to_list()
    for place, line_number, text in zip(places, numbers, texts, strict=True):
        quarantine.add(first_row + place, line_number, records.raw(line_number, text), reasons[place])


def _write_numbered(lines: pl.Series, row_numbers: pl.Series, stream: BinaryIO) -> None:
    pl.DataFrame([row_numbers, lines]).write_csv(stream, include_header=False, quote_style="never")
