"""Defects of a whole row: its fields, quotes, bytes, or that it was there before."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tabserve.core.limits import FileFormat
from tabserve.core.use_case import UseCase
from tabserve.ingestion.structure import write_record

TRIES = 100  # to find a row that is not altogether the same, where there are few columns


@dataclass(frozen=True)
class Row:
    """A row to spoil: its cells, the id's place (or another that may have any text), header and the good rows before.

    `unknown` stands for bytes that the encoding does not know.
    """

    cells: tuple[str, ...]
    id_place: int
    header: tuple[str, ...]
    before: Sequence[tuple[str, ...]]
    delimiter: str
    unknown: str


@dataclass(frozen=True)
class RowDefect:
    """The spoiled row and the rules it breaks; an `extra` row follows the good one it is made from."""

    write: Callable[[Row, random.Random], str]
    rules: tuple[str, ...]
    extra: bool = False
    last_only: bool = False
    needs_row_before: bool = False
    needs_id: bool = False


def unknown_to(file_format: FileFormat) -> tuple[str, str]:
    """Return what stands for bytes that an encoding does not know, and the handler that writes it; "" for none."""
    if file_format.is_utf8 or file_format.is_wide:
        return "\udc00", "surrogatepass"  # half of a pair
    for byte in range(0x80, 0x100):
        try:
            bytes([byte]).decode(file_format.encoding)
        except UnicodeDecodeError:
            return chr(0xDC00 + byte), "surrogateescape"
    return "", "strict"


def _record(row: Row, cells: Sequence[str]) -> str:
    return write_record(cells, row.delimiter)


def _with_id(row: Row, text: str) -> tuple[str, ...]:
    return (*row.cells[: row.id_place], text, *row.cells[row.id_place + 1 :])


def _too_few(row: Row, chance: random.Random) -> str:
    return _record(row, row.cells[: -chance.randint(1, len(row.cells) // 2)])


def _too_many(row: Row, chance: random.Random) -> str:
    return _record(row, (*row.cells, *("extra",) * chance.randint(1, 3)))


def _unclosed(row: Row, chance: random.Random) -> str:
    return row.delimiter.join((*("0" for _ in row.cells[:-1]), '"never closed'))


def _stray(row: Row, chance: random.Random) -> str:
    return _record(row, row.cells[:-1]) + row.delimiter + 'un"quoted'


def _truncated(row: Row, chance: random.Random) -> str:
    return _record(row, row.cells[: max(1, len(row.cells) // 2)])


def _undecodable(row: Row, chance: random.Random) -> str:
    return _record(row, _with_id(row, row.cells[row.id_place] + row.unknown))


def _duplicated_id(row: Row, chance: random.Random) -> str:
    for _ in range(TRIES):
        known = chance.choice(row.before)
        if (cells := _with_id(row, known[row.id_place])) != known:
            break
    return _record(row, cells)


ROW_DEFECTS: dict[str, RowDefect] = {
    "too_few_fields": RowDefect(_too_few, ("too_few_fields",)),
    "too_many_fields": RowDefect(_too_many, ("too_many_fields",)),
    "unclosed_quote": RowDefect(_unclosed, ("unclosed_quote",)),
    "stray_quote": RowDefect(_stray, ("stray_quote",)),
    "truncated_line": RowDefect(_truncated, ("too_few_fields", "truncated_line"), last_only=True),
    "not_utf8": RowDefect(_undecodable, ("not_utf8",)),
    "not_in_encoding": RowDefect(_undecodable, ("not_in_encoding",)),
    "repeated_header": RowDefect(lambda row, chance: _record(row, row.header), ("repeated_header",), extra=True),
    "duplicated_row": RowDefect(
        lambda row, chance: _record(row, row.cells), ("duplicated_id", "duplicated_row"), extra=True, needs_id=True
    ),
    "duplicated_id": RowDefect(_duplicated_id, ("duplicated_id",), needs_row_before=True, needs_id=True),
}


def row_defects(use_case: UseCase) -> list[str]:
    """Return the defects that rows of a use case can have."""
    foreign = "not_in_encoding" if use_case.format.is_utf8 else "not_utf8"
    impossible = {foreign, "" if unknown_to(use_case.format)[0] else "not_in_encoding"}
    kinds = ROW_DEFECTS.items()
    return [kind for kind, it in kinds if kind not in impossible and (use_case.id_column or not it.needs_id)]
