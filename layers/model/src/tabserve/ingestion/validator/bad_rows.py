"""Bad rows on their way to the bad object: explained many at a time, counted by rule, written."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from tabserve.core import rules
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import HEADER, bad_record, shortened
from tabserve.ingestion.structure import Header
from tabserve.ingestion.validation_result import BadRow, Issue, Reason
from tabserve.ingestion.validator.schema import explain, explaining

ROWS_HELD: Final = 10_000
BYTES_HELD: Final = 4 * 2**20
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

    def __init__(self, use_case: UseCase, stream: BinaryIO) -> None:
        self.first: list[BadRow] = []
        self._features = {feature.name: feature for feature in use_case.features}
        self._explaining = explaining(use_case)
        self._explained: dict[tuple[str, str], tuple[Reason, ...]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._values: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._held: list[tuple[int, int, bytes, Found]] = []
        self._size = 0
        self._stream = stream
        stream.write(HEADER)

    def add(self, row_number: int, line_number: int, raw: bytes, found: Found) -> None:
        """Take in a row, to be written now or later."""
        self._held.append((row_number, line_number, raw, found))
        self._size += len(raw)
        if len(self._held) >= ROWS_HELD or self._size >= BYTES_HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        self._explain_new(cell for *_, found in self._held for cell in found if isinstance(cell, Refused))
        for row_number, line_number, raw, found in self._held:
            reasons = self._reasons(found)
            self._stream.write(bad_record(row_number, line_number, reasons, raw))
            if len(self.first) < ROWS_SHOWN:
                text = raw.decode(errors="backslashreplace")
                self.first.append(BadRow(row_number, line_number, text, tuple(reasons)))
        self._size = 0
        self._held.clear()

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
        for column, values in new.items():
            self._explain(column, values)

    def _explain(self, column: str, values: Collection[str]) -> None:
        found = explain(self._explaining[column], column, values)
        general = rules.general_rule(self._features.get(column))
        for value in values:
            broken = found.get(value, (general,))
            self._explained[column, value] = tuple(Reason(column, rule, shortened(value)) for rule in broken)
