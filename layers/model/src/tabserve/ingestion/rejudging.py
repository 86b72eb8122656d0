"""Judge raw files again under another definition, without touching what is known of them: what would change."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from tabserve.core.catalog import Catalog
from tabserve.core.files import Ingestion
from tabserve.core.use_case import UseCase
from tabserve.ingestion.validation_result import BadRow


@dataclass(frozen=True, slots=True)
class OneDefinition:
    """A catalog in which one use case has another definition, and all others their own; implements Catalog."""

    definition: UseCase
    others: Catalog

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted({*self.others.names(), self.definition.name})

    def retired(self) -> Sequence[str]:
        """Return the names of the use cases that were retired, sorted."""
        return [name for name in self.others.retired() if name != self.definition.name]

    def knows(self, name: str) -> bool:
        """Tell whether there is a definition of this name."""
        return name == self.definition.name or self.others.knows(name)

    def get(self, name: str) -> UseCase:
        """Return one definition; raise UnknownUseCaseError."""
        return self.definition if name == self.definition.name else self.others.get(name)

    def judged_by(self, name: str, contract_sha256: str | None) -> UseCase:  # noqa: ARG002  the past is not asked
        """Return the same definition as `get`."""
        return self.get(name)


@dataclass(slots=True)
class Rejudged:
    """A file's verdict before and now; `bad_now` and `good_now` count rows whose verdict changed by column and rule.

    A row that breaks several rules counts for each.
    """

    before: Ingestion
    now: Ingestion
    rows_bad_now: int = 0
    rows_good_now: int = 0
    bad_now: Counter[tuple[str, str]] = field(default_factory=Counter)
    good_now: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, before: Ingestion, now: Ingestion, bad_before: Iterable[BadRow], bad: Iterable[BadRow]) -> "Rejudged":
        """Compare the bad rows of both verdicts, each in the order of the file, a row at a time.

        Where one of both verdicts rejected the file as a whole, no rows are compared.
        """
        found = cls(before, now)
        if {before.status, now.status} != {"done"}:
            return found
        for row, is_bad in _changed(bad_before, bad):
            reasons = [(reason.column, reason.rule) for reason in row.reasons]
            if is_bad:
                found.rows_bad_now += 1
                found.bad_now.update(reasons)
            else:
                found.rows_good_now += 1
                found.good_now.update(reasons)
        return found

    @property
    def changed(self) -> bool:
        """Whether the file's status or the verdict on one of its rows is another."""
        return self.before.status != self.now.status or bool(self.rows_bad_now or self.rows_good_now)


def _changed(before: Iterable[BadRow], now: Iterable[BadRow]) -> Iterator[tuple[BadRow, bool]]:
    """Yield the rows that are bad in one of both verdicts alone, and whether it is the one of now."""
    then = ((row.row_number, row, False) for row in before)
    today = ((row.row_number, row, True) for row in now)
    for _, same in groupby(heapq.merge(then, today, key=itemgetter(0)), key=itemgetter(0)):
        verdicts = list(same)
        if len(verdicts) == 1:
            _, row, is_bad = verdicts[0]
            yield row, is_bad
