"""The database through SQLAlchemy.

SQL is written in one of three ways. Answering a prediction goes without SQLAlchemy, whose import costs a cold start
200 ms: `serving/store.py` and what it uses hold SQL text for psycopg2 (`serving/postgres.py`). Everything else is
written with SQLAlchemy Core on `core/tables.py`, which knows the types and both databases. Only the reconciliation of
rows (`ingestion/accounts.py`) is SQL text for SQLAlchemy: people read it to see what is counted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg2
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tabserve.core.connection import CONNECT_TIMEOUT_S, startup_options, translated
from tabserve.core.errors import DatabaseUnavailableError
from tabserve.core.retry import retried

BATCH_TIMEOUT_MS = 60_000
LONGEST_PAUSE_S = 0.5

T = TypeVar("T")


class Database:
    """Transactions on one connection, which is opened when needed and checked before each use.

    Threads take turns, and a transaction within another one of the same thread would wait for itself: how many
    connections a process holds must be known, for all of them together must fit what the database gives.
    """

    def __init__(self, url: str, timeout_ms: int = BATCH_TIMEOUT_MS, role: str | None = None) -> None:
        self._engine = create(url, timeout_ms, role)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commit what is done inside, or nothing; raise DatabaseUnavailableError or StatementRefusedError."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise translated(error.orig or error, broken=error.connection_invalidated) from None
        except PoolTimeoutError as error:
            raise DatabaseUnavailableError("another thread does not give the connection back") from error
        except psycopg2.Error as error:  # a cursor of the driver's own goes around SQLAlchemy
            raise translated(error) from None

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction, once more where that may help: doing it twice must change nothing."""

        def attempt() -> T:
            with self.transaction() as connection:
                return work(connection)

        return retried(attempt, [LONGEST_PAUSE_S], _may_pass)

    def close(self) -> None:
        """Give the connection back."""
        self._engine.dispose()


def create(url: str, timeout_ms: int = BATCH_TIMEOUT_MS, role: str | None = None) -> Engine:
    """Return an engine with one connection, for PostgreSQL or SQLite by its URL."""
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": timeout_ms / 1000}, hide_parameters=True)
        event.listen(engine, "connect", _obey_foreign_keys)
        return engine
    options = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": startup_options(timeout_ms, role),
        "application_name": "tabserve",
    }
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=1,
        max_overflow=0,
        pool_timeout=timeout_ms / 1000,
        pool_pre_ping=True,
        connect_args=options,
        hide_parameters=True,
    )


def insert(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return an INSERT that knows ON CONFLICT."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, DatabaseUnavailableError) and error.passing


def _obey_foreign_keys(connection: Any, _record: object) -> None:  # noqa: ANN401
    connection.execute("PRAGMA foreign_keys = ON")
