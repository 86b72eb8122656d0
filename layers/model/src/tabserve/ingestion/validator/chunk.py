"""Validate the records of one chunk: the reasons of every bad row, by its place."""

import io
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import polars as pl

from tabserve.core import rules
from tabserve.core.csv_files import OUTER_SPACE
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import shortened
from tabserve.ingestion.structure import Header, is_repeated_header, split_record
from tabserve.ingestion.validation_result import Reason
from tabserve.ingestion.validator.bad_rows import Refused
from tabserve.ingestion.validator.date_cells import DateCells
from tabserve.ingestion.validator.duplicates import Duplicates
from tabserve.ingestion.validator.records import RecordChunk
from tabserve.ingestion.validator.schema import LINE_SEPARATOR, accepting
from tabserve.ingestion.validator.statistics import Statistics

Reasons = dict[int, list[Reason | Refused]]
WHOLE_ROW: Final = ""


def suspicious(delimiter: str) -> str:
    """Return the pattern of records with a null byte or a formula; what only looks like one is sorted out by cell."""
    tab, signs = ("" if delimiter == "\t" else r"\t"), "|!(".replace(delimiter, "")
    plain = rf'[=@{tab}]|[+-](?:[^0-9.,"\s{delimiter}]|[^"{delimiter}]*[{signs}])'
    quoted = r'[=@\t]|[+-](?:""|[^0-9.,"\s]|(?:[^"]|"")*[|!(])'
    return rf'\x00|(?:^|[{delimiter}])(?:{plain}|"(?:{quoted}))'


class ChunkValidator:
    """Validates chunk after chunk of one file."""

    def __init__(
        self, use_case: UseCase, header: Header, date_cells: Mapping[str, DateCells], statistics: Statistics
    ) -> None:
        self.rows = 0
        self.rows_bad = 0
        self._use_case = use_case
        self._header = header
        self._statistics = statistics
        self._duplicates = Duplicates()
        self._delimiter = use_case.format.delimiter
        self._suspicious = suspicious(self._delimiter)
        self._undecodable = "not_utf8" if use_case.format.is_utf8 else "not_in_encoding"
        self._known = frozenset(use_case.required_columns)
        self._accepts = [holds(pl.col(name)).alias(name) for name, holds in accepting(use_case, date_cells).items()]

    def validate(self, records: RecordChunk) -> Reasons:
        """Return the reasons of the bad rows of a chunk, by place."""
        reasons: Reasons = defaultdict(list)
        for place, broken in records.broken.items():
            reasons[place] = [Reason(WHOLE_ROW, rule, shortened(records.text[place])) for rule in broken]
        for place in records.undecodable_places():
            reasons[place].append(Reason(WHOLE_ROW, self._undecodable, shortened(records.text[place])))
        self._validate_cells(records, reasons)
        self.rows += len(records.text)
        self.rows_bad += len(reasons)
        return reasons

    def _validate_cells(self, records: RecordChunk, reasons: Reasons) -> None:
        text, places = records.text, pl.int_range(len(records.text), dtype=pl.UInt32, eager=True)
        if records.broken:
            formed = ~places.is_in(pl.Series(list(records.broken), dtype=pl.UInt32).implode())
            text, places = text.filter(formed), places.filter(formed)
        if not len(text):
            return
        cells = self._parse(text)
        repeated = self._refused_cells(cells, text, places, reasons)
        self._suspicious_cells(text, places, reasons)
        self._repeated_ids(cells, text, places, repeated, reasons)

    def _parse(self, text: pl.Series) -> pl.DataFrame:
        # A line end inside a cell would end the row; without the header a BOM in the first cell would vanish.
        inside = text.str.contains("\n", literal=True)
        if inside.any():
            text = text.str.replace_all("\n", LINE_SEPARATOR, literal=True)
        names = [str(index) for index in range(self._header.width)]
        known = {self._header.columns.index(name): name for name in self._use_case.required_columns}
        body = io.BytesIO()
        text.alias(self._delimiter.join(names)).to_frame().write_csv(body, quote_style="never")
        body.seek(0)
        cells = pl.read_csv(
            body,
            columns=[str(index) for index in known],
            schema=dict.fromkeys(names, pl.String),
            empty_string_is_null=False,
            separator=self._delimiter,
        )
        if len(cells) != len(text):
            raise AssertionError(f"{len(text)} records were read as {len(cells)} rows")
        found = cells.select(pl.col(str(index)).alias(name) for index, name in known.items())
        return found.select(pl.all().str.strip_chars(OUTER_SPACE)) if self._use_case.format.strip else found

    def _refused_cells(self, cells: pl.DataFrame, text: pl.Series, places: pl.Series, reasons: Reasons) -> set[int]:
        """Name the reasons of every cell the schema refuses; return the indices of repeated headers."""
        accepted = cells.select(self._accepts)
        self._statistics.add(cells, accepted, places + (self.rows + 1))
        is_accepted = accepted.select(pl.all().all()).row(0, named=True)
        refused = {name: (~accepted[name]).arg_true() for name, all_are in is_accepted.items() if not all_are}
        if not refused:
            return set()
        repeated = self._repeated_headers(pl.concat(refused.values()).unique(), cells, text, places, reasons)
        place_of = places.to_list()
        for name in filter(refused.__contains__, self._use_case.required_columns):
            for index, value in zip(refused[name], cells[name].gather(refused[name]), strict=True):
                if index not in repeated:
                    reasons[place_of[index]].append(Refused(name, value))
        return repeated

    def _repeated_headers(
        self, refused: pl.Series, cells: pl.DataFrame, text: pl.Series, places: pl.Series, reasons: Reasons
    ) -> set[int]:
        first = self._use_case.required_columns[0]
        like_header = cells[first].gather(refused).str.to_lowercase().str.contains(first.lower(), literal=True)
        found = set()
        for index in refused.filter(like_header):
            if is_repeated_header(split_record(text[index], self._delimiter)[0], self._header):
                found.add(index)
                reasons[places[index]].append(Reason(WHOLE_ROW, "repeated_header", shortened(text[index])))
        return found

    def _suspicious_cells(self, text: pl.Series, places: pl.Series, reasons: Reasons) -> None:
        suspicious = (text.str.contains(self._suspicious) | (text.str.len_bytes() > rules.MAX_OTHER_CELL)).arg_true()
        for place, record in zip(places.gather(suspicious), text.gather(suspicious), strict=True):
            for column, cell in zip(self._header.columns, split_record(record, self._delimiter)[0], strict=True):
                for rule in self._other_rules(column, cell):
                    reason = Reason(column, rule, shortened(cell))
                    if reason not in reasons[place]:
                        reasons[place].append(reason)
            if not reasons[place]:
                del reasons[place]

    def _other_rules(self, column: str, cell: str) -> list[str]:
        found = ["null_byte"] if "\0" in cell else []
        if column in self._known:
            return found
        if len(cell) > rules.MAX_OTHER_CELL:
            found.append("too_long_cell")
        if re.fullmatch(rules.FORMULA, cell, re.DOTALL):
            found.append("formula_cell")
        return found

    def _repeated_ids(
        self, cells: pl.DataFrame, text: pl.Series, places: pl.Series, repeated: set[int], reasons: Reasons
    ) -> None:
        if self._use_case.id_column is None:
            return
        ids = cells[self._use_case.id_column]
        missing = ids.is_in(["", *self._use_case.missing_values])
        if repeated or missing.any():
            kept = ~missing & ~pl.int_range(len(ids), eager=True).is_in(
                pl.Series(list(repeated), dtype=pl.Int64).implode()
            )
            ids, text, places = ids.filter(kept), text.filter(kept), places.filter(kept)
        for index, whole_row in self._duplicates.find(ids, text).items():
            reasons[places[index]].append(Reason(self._use_case.id_column, "duplicated_id", shortened(ids[index])))
            if whole_row:
                reasons[places[index]].append(Reason(WHOLE_ROW, "duplicated_row", shortened(text[index])))
