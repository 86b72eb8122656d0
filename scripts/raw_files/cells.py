"""Defects of one cell: what is written instead, driven by the use case's definition alone."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tabserve.core.features import BooleanFeature, CategoryFeature, DateFeature, Feature, NumberFeature, TextFeature
from tabserve.core.use_case import UseCase

EASTERN_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
SWAPPED = str.maketrans(".,", ",.")
TOO_LONG = 1_500
SOME_DAY = datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001  on any clock


@dataclass(frozen=True)
class Cell:
    """A cell of a row: its column, its feature (the id has none) and its text."""

    column: str
    feature: Feature | None
    text: str


@dataclass(frozen=True)
class CellDefect:
    """Which columns can have a defect, what their cells then say, and which rules they break beside its own.

    `signs` are those it needs, which not every encoding has.
    """

    fits: Callable[[Feature | None], bool]
    write: Callable[[Cell, random.Random], str]
    besides: tuple[str, ...] = ()
    signs: str = ""

    def columns(self, use_case: UseCase) -> list[tuple[str, Feature | None]]:
        """Return the columns of a use case that can have this defect, the id among them."""
        encoding = use_case.format.encoding
        if self.signs.encode(encoding, "replace").decode(encoding) != self.signs:
            return []
        candidates: list[tuple[str, Feature | None]] = [(name, None) for name in use_case.id_columns]
        candidates += [(feature.name, feature) for feature in use_case.features]
        return [(name, feature) for name, feature in candidates if self.fits(feature)]


def spoiled(kind: str, cell: Cell, use_case: UseCase, chance: random.Random) -> tuple[str, tuple[str, ...]]:
    """Return what a cell says with a defect, in the use case's dialect, and the rules that it breaks."""
    defect = CELL_DEFECTS[kind]
    if use_case.format.decimal == "." or not isinstance(cell.feature, NumberFeature):
        return defect.write(cell, chance), (kind, *defect.besides)
    # With a decimal comma all notation is turned round.
    written = defect.write(Cell(cell.column, cell.feature, cell.text.translate(SWAPPED)), chance)
    rule = "decimal_point" if kind == "decimal_comma" else kind
    return written.translate(SWAPPED), (rule, *defect.besides)


def _required(feature: Feature | None) -> bool:
    return feature is None or feature.required


def _any(feature: Feature | None) -> bool:
    return True


def _no_text(feature: Feature | None) -> bool:
    return not isinstance(feature, TextFeature)


def _room_for_two(feature: Feature | None) -> bool:
    return not isinstance(feature, TextFeature) or feature.max_length > 1


def _id(feature: Feature | None) -> bool:
    return feature is None


def _boolean(feature: Feature | None) -> bool:
    return isinstance(feature, BooleanFeature)


def _date(feature: Feature | None) -> bool:
    return isinstance(feature, DateFeature)


def _category(feature: Feature | None) -> bool:
    return isinstance(feature, CategoryFeature) and not feature.is_open


def _open_category(feature: Feature | None) -> bool:
    return isinstance(feature, CategoryFeature) and feature.is_open


def _lettered_category(feature: Feature | None) -> bool:
    return isinstance(feature, CategoryFeature) and any(_other_case(text) for text in _variants(feature))


def _number(feature: Feature | None) -> bool:
    return isinstance(feature, NumberFeature)


def _with_minimum(feature: Feature | None) -> bool:
    return isinstance(feature, NumberFeature) and feature.has_minimum


def _with_maximum(feature: Feature | None) -> bool:
    return isinstance(feature, NumberFeature) and feature.has_maximum


def _decimal(feature: Feature | None) -> bool:
    return isinstance(feature, NumberFeature) and feature.type == "number"


def _integer(feature: Feature | None) -> bool:
    return isinstance(feature, NumberFeature) and feature.type == "integer"


def _variants(feature: CategoryFeature) -> Sequence[str]:
    return [text for text in feature.texts if _other_case(text) and _other_case(text) not in feature.texts]


def _other_case(text: str) -> str:
    other = text.swapcase()
    return other if other != text and other.casefold() == text.casefold() else ""


def _present(cell: Cell) -> str:
    """Return a valid text of the column, the cell's own if it has one."""
    if cell.text or cell.feature is None:
        return cell.text[:150]
    if isinstance(cell.feature, NumberFeature):
        return _digits(cell.feature)
    if isinstance(cell.feature, DateFeature):
        day = SOME_DAY.date() if cell.feature.type == "date" else SOME_DAY
        return day.strftime(cell.feature.format) if cell.feature.format else day.isoformat()
    return next(iter(getattr(cell.feature, "texts", ())), "x")


def _digits(feature: NumberFeature) -> str:
    value = max(feature.minimum, min(feature.maximum, 25))
    return str(math.ceil(value) if math.ceil(value) <= feature.maximum else value)


def _too_long(cell: Cell, chance: random.Random) -> str:
    return cell.text + "x" * max(TOO_LONG, getattr(cell.feature, "max_length", 0))


def _case_variant(cell: Cell, chance: random.Random) -> str:
    assert isinstance(cell.feature, CategoryFeature)  # noqa: S101  `fits` saw to it
    return _other_case(chance.choice(_variants(cell.feature)))


def _beyond(sign: int) -> Callable[[Cell, random.Random], str]:
    def write(cell: Cell, chance: random.Random) -> str:
        assert isinstance(cell.feature, NumberFeature)  # noqa: S101
        edge = cell.feature.minimum if sign < 0 else cell.feature.maximum
        return str(int(edge) + sign * chance.randint(1, 500))

    return write


def _formula(cell: Cell, chance: random.Random) -> str:
    if isinstance(cell.feature, TextFeature):
        return "=1"
    return chance.choice(("={}+1", "@SUM(A1:A{})", "=cmd|' /C calc'!A{}")).format(cell.text[:150])


def _eastern(cell: Cell, chance: random.Random) -> str:
    return str(chance.randint(1, 99)).translate(EASTERN_DIGITS)


def _thousands(cell: Cell, chance: random.Random) -> str:
    return f"{chance.randint(1, 9)},{chance.randint(100, 999)}.{chance.randint(10, 99)}"


CELL_DEFECTS: dict[str, CellDefect] = {
    "missing_value": CellDefect(_required, lambda cell, chance: ""),
    "surrounding_space": CellDefect(
        _no_text, lambda cell, chance: chance.choice((" {}", "{} ")).format(_present(cell))
    ),
    "zero_width_character": CellDefect(_no_text, lambda cell, chance: _present(cell) + "\u200b", signs="\u200b"),
    "too_long_cell": CellDefect(_any, _too_long),
    "formula_cell": CellDefect(_room_for_two, _formula),
    "case_variant": CellDefect(_lettered_category, _case_variant),
    "unknown_category": CellDefect(_category, lambda cell, chance: f"unheard-of {chance.randint(1, 99)}"),
    "not_a_boolean": CellDefect(_boolean, lambda cell, chance: chance.choice(("maybe", "2", "on"))),
    "not_a_date": CellDefect(_date, lambda cell, chance: chance.choice(("soon", "99.99.9999", "2023-02-29x"))),
    "not_a_text": CellDefect(_open_category, lambda cell, chance: _present(cell) + "\x07"),
    "non_ascii_digits": CellDefect(_number, _eastern, signs="\u0660"),
    "decimal_comma": CellDefect(_decimal, lambda cell, chance: f"{chance.randint(1, 99)},{chance.randint(10, 99)}"),
    "thousands_separator": CellDefect(_decimal, _thousands),
    "underscore_or_hex": CellDefect(_number, lambda cell, chance: chance.choice(("1_0", "0x1F"))),
    "nan_or_inf_text": CellDefect(_number, lambda cell, chance: chance.choice(("NaN", "inf", "-Infinity"))),
    "not_a_number": CellDefect(_number, lambda cell, chance: chance.choice(("abc", "12 years", "about 30"))),
    "not_an_integer": CellDefect(_integer, lambda cell, chance: f"{_present(cell)}.5"),
    "overflow": CellDefect(_decimal, lambda cell, chance: "1e999"),
    "below_minimum": CellDefect(_with_minimum, _beyond(-1)),
    "above_maximum": CellDefect(_with_maximum, _beyond(+1)),
    "null_byte": CellDefect(_id, lambda cell, chance: f"{cell.text}\0", ("not_an_id",)),
}
