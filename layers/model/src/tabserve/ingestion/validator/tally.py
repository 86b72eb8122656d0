"""Which rules were broken, how often, with samples."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

from tabserve.ingestion.quarantine import shortened
from tabserve.ingestion.structure import Header
from tabserve.ingestion.validation_result import Issue, Reason

SAMPLES: Final = 5


@dataclass(slots=True)
class Tally:
    """Count reasons by column and rule; the header's warnings are issues of no row."""

    header: Header
    _rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    _samples: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, reason: Reason) -> None:
        """Count one reason of one row."""
        key = (reason.column, reason.rule)
        self._rows[key] += 1
        samples = self._samples[key]
        if len(samples) < SAMPLES and reason.value not in samples:
            samples.append(reason.value)

    def issues(self) -> tuple[Issue, ...]:
        """Return every rule broken, most rows first, then the warnings."""
        found = [
            Issue(column, rule, rows, tuple(self._samples[column, rule])) for (column, rule), rows in self._rows.items()
        ]
        found.sort(key=lambda issue: (-issue.rows, issue.column, issue.rule))
        extra = [Issue(shortened(name), "extra_column", 0, ()) for name in dict.fromkeys(self.header.extra)]
        respelled = [Issue(name, "header_spelling", 0, ()) for name in self.header.respelled]
        return (*found, *extra, *respelled)
