"""Bad rows on their way to good ones: what is wrong alike, what was put right, what is still wrong."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ui.cell_checks import CellChecks, in_header
from ui.quarantine import Json, Rules, as_cells, in_words, reason_in_words, reasons_in_words

BY_HAND = {"duplicated_id", "not_an_id"}
MANY_VALUES = 8  # from so many on that nothing is suggested for, they can be put right as one
Reason = Mapping[str, Any]
Key = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True)
class Alike:
    """Cells of one column that are wrong alike: they break the same rule, with the same value or with any (None)."""

    column: str
    rule: str
    value: str | None
    rows: int
    suggestion: str | None = None

    @property
    def key(self) -> Key:
        """What tells the cells apart that a fix changes: the value, whatever rules it breaks, or the rule."""
        return self.column, self.value, "" if self.value is not None else self.rule


@dataclass(slots=True)
class Changes:
    """What somebody changed: values alike in all rows, and single cells by the row's number in the file."""

    alike: dict[Key, str] = field(default_factory=dict)
    cells: dict[int, dict[str, str]] = field(default_factory=dict)


class BadRows:
    """The bad rows of one file, as texts by their number in the file."""

    def __init__(self, rows: pd.DataFrame, header: Sequence[str], definition: Json) -> None:
        self.header = list(header)
        self.cells = as_cells(rows, header, definition["format"]["delimiter"])
        self._reasons: list[list[Reason]] = [self._known(reasons) for reasons in rows["reasons"]]
        self._rules: Rules = definition["rules"]
        self._alike: list[Alike] | None = None
        self._said = [reasons_in_words(reasons, self._rules) for reasons in self._reasons]

    def _known(self, reasons: Sequence[Reason]) -> list[Reason]:
        """Name columns as the file's header does."""
        return [{**reason, "column": in_header(str(reason["column"]), self.header) or ""} for reason in reasons]

    def __len__(self) -> int:
        return len(self.cells)

    def alike(self, checks: CellChecks) -> list[Alike]:
        """Return what is wrong alike, most rows first; ids are left to be corrected one by one."""
        if self._alike is None:
            self._alike = self._count_alike(checks)
        return self._alike

    def _count_alike(self, checks: CellChecks) -> list[Alike]:
        counts: dict[tuple[str, str, str], int] = {}
        places = {name: place for place, name in enumerate(self.header)}
        for row, reasons in zip(self.cells.itertuples(index=False, name=None), self._reasons, strict=True):
            for reason in reasons:
                column, rule = str(reason["column"]), str(reason["rule"])
                if column and rule not in BY_HAND and not checks.is_id(column):
                    key = column, rule, row[places[column]]
                    counts[key] = counts.get(key, 0) + 1
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        found = [Alike(*key, rows, checks.suggestion(*key)) for key, rows in ordered]
        return sorted([*_by_rule(found), *found], key=lambda group: -group.rows)

    def columns_at_fault(self) -> list[str]:
        """Return the columns some row is bad for, in the order of the header."""
        named = {str(reason["column"]) for reasons in self._reasons for reason in reasons}
        return [name for name in self.header if name in named]

    def changed(self, changes: Changes) -> pd.DataFrame:
        """Return the cells as they are with the changes."""
        now = self.cells.copy()
        meanings: dict[tuple[str, str], dict[str | None, str]] = {}
        for (column, value, rule), each in changes.alike.items():
            meanings.setdefault((column, rule), {})[value] = each
        for (column, rule), by_value in sorted(meanings.items(), key=lambda item: not item[0][1]):  # single values last
            before = self.cells.loc[self._at_fault(column, rule), column]
            after = before.map(lambda cell, by_value=by_value: by_value.get(cell, by_value.get(None)))
            now.loc[after.dropna().index, column] = after.dropna()
        for number, cells in changes.cells.items():
            for column, meant in cells.items():
                now.loc[number, column] = meant
        return now

    def of(self, group: Alike) -> pd.DataFrame:
        """Return the rows with cells that are wrong alike."""
        some = self.cells[self._at_fault(group.column, group.rule)]
        return some if group.value is None else some[some[group.column] == group.value]

    def _at_fault(self, column: str, rule: str) -> "pd.Series[bool]":
        """Tell which rows have a cell that breaks a rule, or any rule."""
        broken = [
            any(reason["column"] == column and rule in ("", reason["rule"]) for reason in reasons)
            for reasons in self._reasons
        ]
        return pd.Series(broken, index=self.cells.index)

    def problems(self, now: pd.DataFrame, checks: CellChecks) -> "pd.Series[str]":
        """Say for each row what is still wrong with it; an empty text when nothing is."""
        cells = now.to_numpy()
        is_new = cells != self.cells.to_numpy()
        found, known = list(self._said), dict[Hashable, str]()  # many rows are wrong alike and changed alike
        for place in is_new.any(axis=1).nonzero()[0]:
            names = [self.header[column] for column in is_new[place].nonzero()[0]]
            different = {name: str(cell) for name, cell in zip(names, cells[place][is_new[place]], strict=True)}
            key = (self._said[place], *different.items())
            if key not in known:
                known[key] = self._problem(self._reasons[place], different, checks)
            found[place] = known[key]
        return pd.Series(found, index=now.index, dtype=str)

    def _problem(self, reasons: Sequence[Reason], different: Mapping[str, str], checks: CellChecks) -> str:
        said = [reason_in_words(reason, self._rules) for reason in reasons if _stands(reason, different)]
        return "; ".join([*said, *filter(None, (checks.problem(*cell) for cell in different.items()))])

    def words(self, rule: str) -> str:
        """Return what a rule says."""
        return in_words(rule, self._rules)


def _by_rule(groups: Sequence[Alike]) -> list[Alike]:
    """Return the rules that a column breaks with many values whose meaning is not clear."""
    unclear: dict[tuple[str, str], list[int]] = {}
    for group in groups:
        if group.suggestion is None:
            unclear.setdefault((group.column, group.rule), []).append(group.rows)
    return [Alike(*key, None, sum(rows)) for key, rows in unclear.items() if len(rows) >= MANY_VALUES]


def _stands(reason: Reason, different: Mapping[str, str]) -> bool:
    """Tell whether a reason holds as long as only these cells were changed; any change may put a whole row right."""
    return reason["column"] not in different if reason["column"] else not different
