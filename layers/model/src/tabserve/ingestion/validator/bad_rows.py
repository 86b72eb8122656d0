"""Bad rows on their way to the bad object: explained many at a time, counted by rule, written."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from tabserve.core import rules
from tabserve.core.errors import FileRejectedError
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import HEADER, bad_record, shortened
from tabserve.ingestion.structure import Header
from tabserve.ingestion.validation_result import BadRow, Issue, Reason
from tabserve.ingestion.validator.cell_rules import CellRules
from tabserve.ingestion.validator.date_cells import DateCells

ROWS_HELD: Final = 10_000
BYTES_HELD: Final = 4 * 2**20
REASONS_HELD: Final = 100_000
EXPLAINED_MAX: Final = 100_000
VALUES_SHOWN: Final = 5
ROWS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Refused:
    """A cell that the schema does not accept, before its reasons are known."""

    column: str
    value: str


Found = Sequence[Reason | Refused]


class BadRows:
    """Writes the bad rows of one file; few large batches are explained faster than many small ones."""

    def __init__(self, use_case: UseCase, date_cells: Mapping[str, DateCells], stream: BinaryIO) -> None:
        self.first: list[BadRow] = []
        self._features = {feature.name: feature for feature in use_case.features}
        self._rules = CellRules(use_case, date_cells)
        self._explained: dict[tuple[str, str], tuple[Reason, ...]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._values: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._held: list[tuple[int, int, bytes, Found]] = []
        self._size, self._reasons_held = 0, 0
        self._stream = stream
        self._written = stream.write(HEADER)

    def add(self, row_number: int, line_number: int, raw: bytes, found: Found) -> None:
        """Take in a row, to be written now or later."""
        self._held.append((row_number, line_number, raw, found))
        self._size += len(raw)
        self._reasons_held += len(found)
        if len(self._held) >= ROWS_HELD or self._size >= BYTES_HELD or self._reasons_held >= REASONS_HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held; raise FileRejectedError when all that was written is too much to be kept."""
        self._explain_new(cell for *_, found in self._held for cell in found if isinstance(cell, Refused))
        for row_number, line_number, raw, found in self._held:
            reasons = self._reasons(found)
            self._written += self._stream.write(bad_record(row_number, line_number, reasons, raw))
            if len(self.first) < ROWS_SHOWN:
                text = raw.decode(errors="backslashreplace")
                self.first.append(BadRow(row_number, line_number, text, tuple(reasons)))
        self._size, self._reasons_held = 0, 0
        self._held.clear()
        if self._written > rules.MAX_BAD_BYTES:
            what = f"The bad rows and their reasons are more than {rules.MAX_BAD_BYTES // 2**20} MiB"
            raise FileRejectedError("too_many_bad_rows", f"{what}; {rules.SPLIT_IT}.")

    def issues(self, header: Header) -> tuple[Issue, ...]:
        """Return every rule broken, most rows first, then the header's warnings as issues of no row."""
        broken = [
            Issue(column, rule, rows, tuple(self._values[column, rule]))
            for (column, rule), rows in self._counts.items()
        ]
        broken.sort(key=lambda issue: (-issue.rows, issue.column, issue.rule))
        extra = [Issue(shortened(name), "extra_column", 0, ()) for name in dict.fromkeys(header.extra)]
        respelled = [Issue(name, "header_spelling", 0, ()) for name in header.respelled]
        return (*broken, *extra, *respelled)

    def _reasons(self, found: Found) -> list[Reason]:
        reasons: list[Reason] = []
        for each in found:
            if isinstance(each, Refused):
                reasons.extend(self._explained[each.column, each.value])
            else:
                reasons.append(each)
        for reason in reasons:
            self._count(reason)
        return reasons

    def _count(self, reason: Reason) -> None:
        key = (reason.column, reason.rule)
        self._counts[key] += 1
        values = self._values[key]
        if len(values) < VALUES_SHOWN and reason.value not in values:
            values.append(reason.value)

    def _explain_new(self, cells: Iterable[Refused]) -> None:
        if len(self._explained) > EXPLAINED_MAX:
            self._explained.clear()
        new: defaultdict[str, set[str]] = defaultdict(set)
        for cell in cells:
            if (cell.column, cell.value) not in self._explained:
                new[cell.column].add(cell.value)
        broken = self._rules.broken(new)
        for column, values in new.items():
            general = rules.general_rule(self._features.get(column))
            for value in values:
                found = broken.get((column, value), (general,))
                self._explained[column, value] = tuple(Reason(column, rule, shortened(value)) for rule in found)
