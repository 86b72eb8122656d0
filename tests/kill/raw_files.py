"""Small raw files whose truth is known: every row is told apart by its id and its numbers."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tabserve.core.files import IngestionStatus, RawFile

HEADERS = {"passengers": ("Id", "Class", "Age", "Fare"), "flowers": ("Id", "Length", "Width")}
DOUBTFUL = ("71.5", "66.25")  # ages that the later contract of passengers takes for missing
Contract = Literal["first", "later"]
_ids = itertools.count(1)


@dataclass(frozen=True)
class Row:
    """A row of a raw file and the contracts that take it for a good one."""

    cells: tuple[str, ...]
    good_by: tuple[Contract, ...] = ("first", "later")


@dataclass(frozen=True)
class Raw:
    """A raw file and its truth."""

    name: str
    rows: Sequence[Row]
    use_case: str = "passengers"
    status: IngestionStatus = "done"
    header: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        lines = (self.header or HEADERS[self.use_case], *(row.cells for row in self.rows))
        return "".join(",".join(cells) + "\n" for cells in lines).encode()

    @property
    def alarming(self) -> bool:
        """Whether somebody is to be told of it."""
        return self.status == "rejected" or any(not row.good_by for row in self.rows)

    def good(self, contract: Contract) -> dict[int, tuple[str, ...]]:
        """Return the cells of the good rows by row number, as a contract judges them."""
        return {number: row.cells for number, row in enumerate(self.rows, 1) if contract in row.good_by}


@dataclass(frozen=True)
class Uploaded:
    """A raw file that is one version of one object."""

    raw: Raw
    file: RawFile


def good() -> Raw:
    return Raw("good.csv", [_passenger() for _ in range(4)])


def flowers() -> Raw:
    return Raw("flowers.csv", [_flower() for _ in range(3)], use_case="flowers")


def long() -> Raw:
    """Return a file that is predicted in three chunks."""
    return Raw("long.csv", [_flower() for _ in range(1_003)], use_case="flowers")


def mixed() -> Raw:
    """Return good and bad rows in turn, and two that only the first contract takes."""
    old, older = (_passenger(age) for age in DOUBTFUL)
    return Raw("mixed.csv", [_passenger(), _broken("7", "30"), old, _passenger(), _broken("1", "old"), older])


def wholly_bad() -> Raw:
    return Raw("bad.csv", [_broken("8", "30") for _ in range(3)])


def rejected() -> Raw:
    return Raw("rejected.csv", [Row(("1", "2"))], status="rejected", header=("a", "b"))


def _passenger(age: str = "") -> Row:
    number = next(_ids)
    cells = (f"p{number}", str(1 + number % 3), age or str(20 + number % 300 / 10), str(number % 1000 + 0.25))
    return Row(cells, good_by=("first",) if age else ("first", "later"))


def _broken(class_: str, age: str) -> Row:
    return Row((f"p{next(_ids)}", class_, age, "8.05"), good_by=())


def _flower() -> Row:
    number = next(_ids)
    return Row((f"f{number}", str(number % 3 + 0.75), str(number % 3 + 0.75 + number % 290 / 100)))
