"""Whether what a query returns can be drawn."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from grafana.macros import MOST_POINTS


def problems(shape: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Yield what is wrong with a result; an empty one shows its columns only."""
    if len(rows) > MOST_POINTS:
        yield f"returns {len(rows)} rows, more than {MOST_POINTS}"
    if shape == "time_series":
        yield from _series_problems(names, rows)
    elif shape == "table" and not rows and not names:
        yield "returns no columns"
    elif shape == "variable" and len(names) != 1:
        yield "returns more than the values of a variable"


def alert_problems(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Yield what is wrong with the table of an alert rule: unique text labels and exactly one number."""
    if len(names) < 2:
        yield "has no label or no number"
    labels = [row[:-1] for row in rows]
    if any(not isinstance(label, str) for row in labels for label in row):
        yield "has a label that is not text"
    if len({tuple(label) for label in labels}) < len(labels):
        yield "has the same label twice"
    if any(not _is_number(row[-1]) for row in rows if row[-1] is not None):
        yield "has a last column that is not a number"


def _series_problems(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    if names[0] != "time":
        yield f"has {names[0]!r} as its first column, not 'time'"
    times = [row[0] for row in rows]
    if any(not (isinstance(each, datetime) or _is_number(each)) for each in times):
        yield "has a time that is none"
    elif times != sorted(times):
        yield "is not sorted by time"
    if len(names) < 2:
        yield "has no value"
    values = range(2 if names[1:2] == ["metric"] else 1, len(names))
    if any(row[index] is not None and not _is_number(row[index]) for row in rows for index in values):
        yield "has a value that is not a number"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
