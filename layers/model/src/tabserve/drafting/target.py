"""What is predicted: classes or a number, and which columns give it away."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from tabserve.core.errors import DraftError
from tabserve.drafting.columns import is_number

MOST_CLASSES: Final = 100
NUMBERS_AS_CLASSES: Final = 10
FEWEST_OF_CLASS: Final = 4
FEWEST_ROWS: Final = 20
GIVES_AWAY: Final = 0.999
ROWS_A_VALUE: Final = 5
BEYOND_BASE: Final = 0.05  # than always answering the likeliest class
POSITIVE: Final = frozenset(["1", "yes", "y", "true", "t", "positive", "pos"])


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted, as the definition says it, with the texts of the rows that say it."""

    task: str
    settings: Mapping[str, Any]
    texts: pl.Series
    seen: str
    doubt: str = ""


def find_target(
    table: str, name: str, columns: Sequence[str], cells: pl.DataFrame, decimal: str, marks: set[str]
) -> Target:
    """Look at the column to predict; raise DraftError when nothing can be learned about it."""
    if name not in columns:
        near = difflib.get_close_matches(name, columns, 1, 0.4)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise DraftError(f"{table} has no column {name!r}{hint}. It has {', '.join(columns)}.")
    texts = cells[name].filter(~cells[name].is_in(list(marks)))
    counts = texts.value_counts(sort=True)
    values, rows = counts.to_series(0), counts.to_series(1)
    if len(texts) < FEWEST_ROWS:
        raise DraftError(f"Column {name!r} of {table} is known in {len(texts)} rows only; a model needs {FEWEST_ROWS}.")
    if len(values) == 1:
        raise DraftError(f"Column {name!r} of {table} is always {values[0]!r}; there is nothing to predict.")
    numbers = bool(is_number(values, decimal).all())
    whole = numbers and bool(values.str.contains("^[+-]?[0-9]+$").all())
    if numbers and (len(values) > NUMBERS_AS_CLASSES or not whole):
        seen = f"{len(values):,} different numbers: a regression"
        return Target("regression", {"name": name, "unit": ""}, texts, seen)
    rare = values.filter(rows < FEWEST_OF_CLASS)
    if len(values) > MOST_CLASSES:
        raise DraftError(
            f"Column {name!r} of {table} has {len(values):,} different texts; up to {MOST_CLASSES} classes can be "
            "told apart. Group them, or name another target."
        )
    if len(rare):
        raise DraftError(
            f"Column {name!r} of {table} has class {rare[0]!r} in {rows.filter(rows < FEWEST_OF_CLASS)[0]} rows; each "
            f"class needs {FEWEST_OF_CLASS}. Group the rare ones, or leave their rows out."
        )
    return _classes(name, values, rows, texts, whole=whole)


def _classes(name: str, values: pl.Series, rows: pl.Series, texts: pl.Series, *, whole: bool) -> Target:
    as_numbers = whole and not values.str.contains(r"^\+|^-?0[0-9]").any()
    classes: list[Any] = sorted(map(int, values)) if as_numbers else sorted(values)
    shares = dict(zip(values, (rows / rows.sum()).to_list(), strict=True))
    seen = ", ".join(f"{value} {share:.0%}" for value, share in list(shares.items())[:6])
    settings: dict[str, Any] = {"name": name, "classes": classes}
    if len(classes) > 2:
        return Target("multiclass_classification", settings, texts, seen)
    by_word = [each for each in classes if str(each).lower() in POSITIVE]
    rarer = min(classes, key=lambda each: shares[str(each)])
    settings["positive_class"] = by_word[0] if len(by_word) == 1 else rarer
    doubt = "" if len(by_word) == 1 else f"the positive class is taken to be the rarer one, {rarer}"
    return Target("binary_classification", settings, texts, seen, doubt)


def gives_away(cells: pl.Series, target: Target, known: pl.Series, numbers: pl.Series | None) -> float | None:
    """Return how much of the target a column alone determines where that is nearly all of it; None otherwise.

    `known` says which rows have a target; `numbers` are the cells of a numeric column.
    """
    texts = cells.filter(known)
    if target.task == "regression":
        return _same_order(numbers.filter(known), target.texts) if numbers is not None else None
    frame = pl.DataFrame({"cell": texts, "class": target.texts})
    if texts.n_unique() > len(texts) / ROWS_A_VALUE:
        return None
    likeliest = frame.group_by("cell", "class").len().group_by("cell").agg(pl.col("len").max())
    share = float(likeliest["len"].sum()) / len(frame)
    base = float(frame["class"].value_counts()["count"].to_numpy().max()) / len(frame)
    return share if share >= GIVES_AWAY and share - base > BEYOND_BASE else None


def _same_order(numbers: pl.Series, texts: pl.Series) -> float | None:
    values = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    found = pl.DataFrame({"a": numbers, "b": values}).drop_nulls()
    if len(found) < FEWEST_ROWS:
        return None
    share = abs(float(found.select(pl.corr("a", "b")).item() or 0))
    return share if share > GIVES_AWAY else None
