"""The SQL that reads a page of stored predictions; the same for PostgreSQL and SQLite.

Every branch below walks one index from its newest entry and stops after a page, however many rows there are.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tabserve.core.records import SOURCES
from tabserve.serving.prediction import HistoryQuery, Page, Prediction

NAMES = tuple(field.name for field in fields(Prediction))
COLUMNS = ", ".join(NAMES)
NEWEST_FIRST = "ORDER BY created_at DESC, id DESC LIMIT %(limit)s"


CONDITIONS = {
    **{name: f"{name} = %({name})s" for name in ("use_case", "source", "model_version", "prediction", "entity_id")},
    "prediction_id": "id = %(prediction_id)s",
    "start": "created_at >= %(start)s",
    "end": "created_at < %(end)s",
    # The first comparison is implied; it is what an index that ends at created_at can use.
    "cursor": "created_at <= %(cursor_time)s AND (created_at, id) < (%(cursor_time)s, %(cursor_id)s)",
}


def statement(query: HistoryQuery) -> tuple[str, Mapping[str, Any]]:
    """Return the SQL and its parameters; one row more than the page shows whether another page follows."""
    given = {name: value for name in CONDITIONS if (value := getattr(query, name)) is not None}
    conditions = [CONDITIONS[name] for name in given]
    if cursor := given.pop("cursor", None):
        given |= {"cursor_time": cursor.created_at, "cursor_id": cursor.id}
    branches = [
        f"SELECT * FROM (SELECT {COLUMNS} FROM predictions {_where([*conditions, *more])} {NEWEST_FIRST}) AS branch"  # noqa: S608
        for more in _branches(query)
    ]
    sql = branches[0] if len(branches) == 1 else f"{' UNION ALL '.join(branches)} {NEWEST_FIRST}"
    return sql, given | {"limit": query.limit + 1}


def page(query: HistoryQuery, found: list[Prediction]) -> Page:
    """Cut what was found to a page."""
    if len(found) <= query.limit:
        return Page(found)
    return Page(found).first(query.limit)


def _branches(query: HistoryQuery) -> list[list[str]]:
    """Return a branch per source where an index needs one; the order of its entries starts at the source."""
    named = query.prediction_id is not None or query.entity_id is not None  # what has an index of its own
    if named or query.source is not None or (query.use_case is None and query.model_version is None):
        return [[]]
    return [[f"source = '{source}'"] for source in SOURCES]


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
