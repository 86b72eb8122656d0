"""How versions on trial score, counted by the minute in the database; the same SQL for PostgreSQL and SQLite."""

from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

from tabserve.serving.trial import ScoringCount

Rows = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]

KEY = "use_case, trial, role, model_version"
SUMS = ("calls", "failures", "rows", "seconds")
ADDED = ", ".join(f"{name} = scoring_counts.{name} + excluded.{name}" for name in SUMS)
# ruff: noqa: S608  the statements are made of constants
ADD = f"""INSERT INTO scoring_counts ({KEY}, bucket, {", ".join(SUMS)}, minute) VALUES {{values}}
ON CONFLICT ({KEY}, minute, bucket) DO UPDATE SET {ADDED}"""
READ = f"""SELECT {KEY}, bucket, {", ".join(f"CAST(sum({name}) AS BIGINT)" for name in SUMS[:3])}, sum(seconds)
FROM scoring_counts WHERE use_case = %s AND trial = %s AND minute >= %s GROUP BY {KEY}, bucket ORDER BY role, bucket"""


def add_scoring(rows: Rows, counts: Sequence[ScoringCount], minute: datetime) -> None:
    """Add an instance's counts to those of all instances; raise DatabaseUnavailableError."""
    values = ", ".join([f"({', '.join(['%s'] * 10)})"] * len(counts))
    cells = [cell for each in counts for cell in (*astuple(each), _text(minute))]
    rows(ADD.format(values=values), cells)


def scoring(rows: Rows, use_case: str, trial: int, since: datetime) -> list[ScoringCount]:
    """Return what all instances counted of a trial since then; raise DatabaseUnavailableError."""
    found = rows(READ, (use_case, trial, _text(since)))
    return [ScoringCount(*row) for row in found]


def _text(time: datetime) -> str:
    """Return a time in UTC as both databases compare it."""
    return f"{time:%Y-%m-%d %H:%M:%S.%f}"
