"""What a column of text holds: which type, which marks of missing values, and why it was taken for that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from tabserve.core import rules
from tabserve.core.dates import iso
from tabserve.core.errors import DraftError
from tabserve.core.features import LONGEST_TEXT, DateFeature

# Always a mark; and such that are one where the other cells of the column are numbers or dates.
MARKS: Final = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?", "#N/A")
MARKS_AMONG_NUMBERS: Final = (".", "-", "--", "None", "none", "missing", "Missing", "unknown", "Unknown")
MOSTLY_MISSING: Final = 0.6
LONGEST_OF_RARE: Final = 1_000
CLOSED: Final = 20  # categories at most, each with some rows, or new data will have others
ROWS_OF_CATEGORY: Final = 20
LONG_TEXT: Final = 40
TRIED: Final = 2_000
DATES: Final = ("", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d %B %Y")
MORE_DATES: Final = ("%b %d, %Y", "%B %d, %Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d-%b-%y", "%Y.%m.%d")
CLOCKS: Final = (" %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
DAY_FIRST: Final[Mapping[str, str]] = {"%d/%m/%Y": "%m/%d/%Y", "%d-%m-%Y": "%m-%d-%Y", "%d/%m/%y": "%m/%d/%y"}
AMBIGUOUS: Final = "days and months could be exchanged: no day is above 12"
HAS_DATE: Final = r"^\d{1,4}[-./ ]|^[A-Za-z]{3,9} \d|^\d{1,2} [A-Za-z]{3}"


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column is taken for: the settings of its feature, or why it is left out, and what was seen."""

    name: str
    settings: Mapping[str, Any] | None
    seen: str
    doubt: str = ""
    missing: float = 0.0
    marks: frozenset[str] = field(default_factory=frozenset)

    @property
    def kind(self) -> str:
        """The type of the feature; empty where there is none."""
        return str(self.settings["type"]) if self.settings else ""


def guess(name: str, cells: pl.Series, decimal: str) -> Guess:
    """Look at a column; raise DraftError where it must be mended first."""
    counts = cells.value_counts(sort=True)
    values, rows = counts.to_series(0), counts.to_series(1)
    marks = _marks(values, decimal)
    present = ~values.is_in(list(marks))
    values, rows = values.filter(present), rows.filter(present)
    count = int(rows.sum())
    missing = 1 - count / len(cells)
    told = _guess(name, values, rows, decimal) if count else Guess(name, None, "no value at all")
    settings = told.settings
    if settings and missing:
        settings = {**settings, "required": False, **_imputed(settings)}
    if missing and count and (missing > MOSTLY_MISSING or len(values) == 1):
        what = f"{missing:.0%} missing" if len(values) > 1 else told.seen
        settings = {"type": "text", "max_length": LONGEST_OF_RARE, "required": False}
        return Guess(name, settings, f"{what}: only whether it is there is used", "", missing, frozenset(marks))
    return Guess(name, settings, told.seen, told.doubt, missing, frozenset(marks))


def _imputed(settings: Mapping[str, Any]) -> dict[str, str]:
    if settings["type"] in ("number", "integer"):
        return {"impute": "median"}
    if settings["type"] == "boolean" or isinstance(settings.get("categories"), list):
        return {"impute": "most_frequent"}
    return {}


def _marks(values: pl.Series, decimal: str) -> set[str]:
    known = set(values.filter(values.is_in(MARKS)))
    others = values.filter(~values.is_in(MARKS))
    doubtful = set(others.filter(others.is_in(MARKS_AMONG_NUMBERS)))
    rest = others.filter(~others.is_in(MARKS_AMONG_NUMBERS))
    if doubtful and len(rest) > 2 and (is_number(rest, decimal).all() or rest.str.contains(HAS_DATE).all()):
        known |= doubtful
    return known


def is_number(values: pl.Series, decimal: str) -> pl.Series:
    """Tell which texts are numbers; those with leading zeros are codes."""
    point = values.str.replace(",", ".", literal=True) if decimal == "," else values
    plain = values.str.contains(".", literal=True) if decimal == "," else pl.repeat(False, len(values), eager=True)
    return point.str.contains(f"^(?:{rules.NUMBER})$") & ~plain & ~values.str.contains("^[+-]?0[0-9]")


def _guess(name: str, values: pl.Series, rows: pl.Series, decimal: str) -> Guess:
    if len(values) == 1:
        return Guess(name, None, f"always {values[0]!r}")
    lowered = set(values.head(20).str.to_lowercase()) if len(values) <= 6 else set()
    if lowered and lowered <= rules.BOOLEANS.keys() and {rules.BOOLEANS[text] for text in lowered} == {True, False}:
        return Guess(name, {"type": "boolean"}, " and ".join(sorted(map(str, values))))
    if is_number(values, decimal).all():
        return _number(name, values, decimal)
    return _date(name, values) or _text(name, values, rows)


def _number(name: str, values: pl.Series, decimal: str) -> Guess:
    point = values.str.replace(",", ".", literal=True) if decimal == "," else values
    numbers = point.cast(pl.Float64)
    whole = values.str.contains(f"^(?:{rules.INTEGER})$").all() and bool((numbers.abs() < 2**53).all())
    low, high = float(numbers.to_numpy().min()), float(numbers.to_numpy().max())
    kind = "integer" if whole else "number"
    usual = [int(low), int(high)] if whole else [low, high]
    return Guess(name, {"type": kind, "usual": usual}, f"{low:g} to {high:g}")


def _date(name: str, values: pl.Series) -> Guess | None:
    if not values.str.contains(HAS_DATE).all():
        return None
    some = values.head(TRIED).to_list()
    fitting = [settings for settings in _date_settings() if _all_fit(settings, some)]
    if not fitting:
        _refuse_two_formats(name, some)
        return None
    best = next((each for each in fitting if _all_fit(each, values.to_list())), None)
    if best is None:
        return None
    other = DAY_FIRST.get(str(best.get("format", "")))
    doubt = AMBIGUOUS if other and any(each.get("format") == other for each in fitting) else ""
    return Guess(name, best, f"such as {values[0]}", doubt)


def _date_settings() -> Iterator[dict[str, str]]:
    for format_ in (*DATES, *MORE_DATES):
        yield {"type": "date"} | ({"format": format_} if format_ else {})
    yield {"type": "datetime"}
    for format_ in (*DATES[1:], *MORE_DATES, "%Y-%m-%d"):
        yield from ({"type": "datetime", "format": f"{format_}{clock}"} for clock in CLOCKS)


def _all_fit(settings: Mapping[str, str], texts: Sequence[str]) -> bool:
    feature = DateFeature.model_validate({"name": "x", **settings})
    try:
        for text in texts:
            iso(feature, text)
    except ValueError:
        return False
    return True


def _refuse_two_formats(name: str, texts: Sequence[str]) -> None:
    """Raise DraftError where each text is a date, but not all in one format."""
    settings = list(_date_settings())
    of_text = {text: next((each for each in settings if _all_fit(each, [text])), None) for text in texts[:200]}
    if all(of_text.values()):
        first = texts[0]
        other = next((text for text in texts[:200] if not _all_fit(of_text[first] or {}, [text])), first)
        raise DraftError(
            f"Column {name!r} has dates in two formats, such as {first!r} and {other!r}; write one of them."
        )


def _text(name: str, values: pl.Series, rows: pl.Series) -> Guess:
    count, distinct = int(rows.sum()), len(values)
    lengths = values.str.len_chars().to_numpy()
    longest = int(lengths.max())
    if longest > rules.MAX_CATEGORY or (lengths.mean() > LONG_TEXT and distinct > count / 2):
        settings = {"type": "text", "max_length": min(2 * longest, LONGEST_TEXT)}
        return Guess(name, settings, f"texts of up to {longest} characters")
    if distinct <= CLOSED and int(rows.to_numpy().min()) >= ROWS_OF_CATEGORY:
        return Guess(name, {"type": "category", "categories": sorted(values)}, f"{distinct} values")
    if distinct > count / 2 and distinct > CLOSED:
        return Guess(name, None, f"{distinct:,} different texts in {count:,} rows: each hardly ever repeats")
    return Guess(name, {"type": "category", "categories": "open"}, f"{distinct:,} values, some of them rare")
