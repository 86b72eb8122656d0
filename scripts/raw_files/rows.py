"""Defects of a whole row: its fields, quotes, bytes, or that it was there before."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tabserve.ingestion.structure import write_record

TRIES = 100  # to find a row that is not altogether the same, where there are few columns


@dataclass(frozen=True)
class Row:
    """A row to spoil: its cells, the id's place, the header and the good rows before it."""

    cells: tuple[str, ...]
    id_place: int
    header: tuple[str, ...]
    before: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class RowDefect:
    """The bytes of the spoiled row and the rules it breaks; an `extra` row follows the good one it is made from."""

    write: Callable[[Row, random.Random], bytes]
    rules: tuple[str, ...]
    extra: bool = False
    last_only: bool = False
    needs_row_before: bool = False


def _encoded(cells: Sequence[str]) -> bytes:
    return write_record(cells).encode()


def _with_id(row: Row, text: str) -> tuple[str, ...]:
    return (*row.cells[: row.id_place], text, *row.cells[row.id_place + 1 :])


def _too_few(row: Row, chance: random.Random) -> bytes:
    return _encoded(row.cells[: -chance.randint(1, len(row.cells) // 2)])


def _too_many(row: Row, chance: random.Random) -> bytes:
    return _encoded((*row.cells, *("extra",) * chance.randint(1, 3)))


def _unclosed(row: Row, chance: random.Random) -> bytes:
    first = ",".join((*("0" for _ in row.cells[:-1]), '"never closed'))
    return first.encode()


def _stray(row: Row, chance: random.Random) -> bytes:
    return _encoded(row.cells[:-1]) + b',un"quoted'


def _truncated(row: Row, chance: random.Random) -> bytes:
    return _encoded(row.cells[: max(1, len(row.cells) // 2)])


def _not_utf8(row: Row, chance: random.Random) -> bytes:
    return _encoded(_with_id(row, row.cells[row.id_place] + "\ue000")).replace("\ue000".encode(), b"\xff")


def _duplicated_id(row: Row, chance: random.Random) -> bytes:
    for _ in range(TRIES):
        known = chance.choice(row.before)
        if (cells := _with_id(row, known[row.id_place])) != known:
            break
    return _encoded(cells)


ROW_DEFECTS: dict[str, RowDefect] = {
    "too_few_fields": RowDefect(_too_few, ("too_few_fields",)),
    "too_many_fields": RowDefect(_too_many, ("too_many_fields",)),
    "unclosed_quote": RowDefect(_unclosed, ("unclosed_quote",)),
    "stray_quote": RowDefect(_stray, ("stray_quote",)),
    "truncated_line": RowDefect(_truncated, ("too_few_fields", "truncated_line"), last_only=True),
    "not_utf8": RowDefect(_not_utf8, ("not_utf8",)),
    "repeated_header": RowDefect(lambda row, chance: _encoded(row.header), ("repeated_header",), extra=True),
    "duplicated_row": RowDefect(
        lambda row, chance: _encoded(row.cells), ("duplicated_id", "duplicated_row"), extra=True
    ),
    "duplicated_id": RowDefect(_duplicated_id, ("duplicated_id",), needs_row_before=True),
}
