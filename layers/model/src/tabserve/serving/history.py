"""The SQL that reads a page of stored predictions; the same for PostgreSQL and SQLite.

Every branch below walks one index from its newest entry and stops after a page, however many rows there are.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields

from tabserve.core.records import SOURCES
from tabserve.serving.prediction import Cursor, HistoryQuery, Page, Prediction

NAMES = tuple(field.name for field in fields(Prediction))
COLUMNS = ", ".join(NAMES)
NEWEST_FIRST = "ORDER BY created_at DESC, id DESC LIMIT"


def statement(query: HistoryQuery, mark: Callable[[str], str]) -> str:
    """Return the SQL; `mark` writes a parameter's name as the driver wants it."""
    conditions = _conditions(query, mark)
    limit = f"{NEWEST_FIRST} {mark('limit')}"
    branches = [
        f"SELECT * FROM (SELECT {COLUMNS} FROM predictions {_where([*conditions, *more])} {limit}) AS branch"  # noqa: S608
        for more in _branches(query)
    ]
    return branches[0] if len(branches) == 1 else f"{' UNION ALL '.join(branches)} {limit}"


def parameters(query: HistoryQuery) -> Mapping[str, object]:
    """Return the values of the parameters; one row more than the page shows whether another page follows."""
    cursor = query.cursor
    return {
        "use_case": query.use_case,
        "source": query.source,
        "model_version": query.model_version,
        "prediction": query.prediction,
        "start": query.start,
        "end": query.end,
        "cursor_time": cursor and cursor.created_at,
        "cursor_id": cursor and cursor.id,
        "limit": query.limit + 1,
    }


def page(query: HistoryQuery, found: list[Prediction]) -> Page:
    """Cut what was found to a page."""
    if len(found) <= query.limit:
        return Page(found)
    last = found[query.limit - 1]
    return Page(found[: query.limit], Cursor(last.created_at, last.id))


def _branches(query: HistoryQuery) -> list[list[str]]:
    """Return a branch per source where an index needs one; the order of its entries starts at the source."""
    if query.source is not None or (query.use_case is None and query.model_version is None):
        return [[]]
    return [[f"source = '{source}'"] for source in SOURCES]


def _conditions(query: HistoryQuery, mark: Callable[[str], str]) -> list[str]:
    names = ("use_case", "source", "model_version", "prediction")
    conditions = [f"{name} = {mark(name)}" for name in names if getattr(query, name) is not None]
    if query.start is not None:
        conditions.append(f"created_at >= {mark('start')}")
    if query.end is not None:
        conditions.append(f"created_at < {mark('end')}")
    if query.cursor is not None:
        # The first comparison is implied; it is what an index that ends at created_at can use.
        conditions.append(f"created_at <= {mark('cursor_time')}")
        conditions.append(f"(created_at, id) < ({mark('cursor_time')}, {mark('cursor_id')})")
    return conditions


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
