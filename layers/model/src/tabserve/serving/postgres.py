"""One PostgreSQL connection of a process, without SQLAlchemy: importing that costs a cold start 200 ms."""

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import Any, TypeVar

import psycopg2
from psycopg2.errors import DeadlockDetected, ReadOnlySqlTransaction, SerializationFailure
from psycopg2.extensions import connection, cursor

from tabserve.core.connection import CONNECT_TIMEOUT_S, startup_options, translated
from tabserve.core.retry import retried

API_TIMEOUT_MS = 5_000
LONGEST_PAUSE_S = 0.15
NO_RETRY_S = 0.5
# On solid-state disks a page costs the same wherever it lies; believing otherwise, the planner walks through other
# versions' predictions to the wanted ones.
PLANNER = "-c random_page_cost=1.1"

T = TypeVar("T")


class Postgres:
    """Runs work on a connection opened when needed, in autocommit: one statement is one round trip.

    There is no pre-ping. Work that meets a broken connection, a deadlock or a serialization failure runs once more;
    whether its first run took effect is unknown then, so it must not matter. Where no connection could be made, calls
    fail at once for half a second: they do not queue up behind one connection timeout each.
    """

    def __init__(self, url: str, timeout_ms: int = API_TIMEOUT_MS, role: str | None = None) -> None:
        self._dsn = re.sub(r"^postgresql\+\w+:", "postgresql:", url)
        self._timeout_ms = timeout_ms
        self._role = role
        self._connection: connection | None = None
        self._failed_at = -math.inf
        self._lock = RLock()

    def run(self, work: Callable[[cursor], T]) -> T:
        """Return what `work` returns; raise DatabaseUnavailableError, or StatementRefusedError for a bug.

        A database that answers too slowly is unavailable, too.
        """
        with self._lock:
            try:
                return retried(lambda: self._attempt(work), [LONGEST_PAUSE_S], self._may_pass)
            except psycopg2.Error as error:
                raise translated(error) from None

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; return its rows, none where it has no result."""
        return self.run(lambda opened: _rows(opened, sql, parameters))

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _attempt(self, work: Callable[[cursor], T]) -> T:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        with self._connection.cursor() as opened:
            return work(opened)

    def _connect(self) -> connection:
        self._connection = None
        if time.monotonic() - self._failed_at < NO_RETRY_S:
            raise psycopg2.OperationalError("the database could not be reached a moment ago")
        try:
            opened = psycopg2.connect(
                self._dsn,
                connect_timeout=CONNECT_TIMEOUT_S,
                tcp_user_timeout=self._timeout_ms,
                options=f"{startup_options(self._timeout_ms, self._role)} {PLANNER}",
                application_name="tabserve",
            )
        except psycopg2.OperationalError:
            self._failed_at = time.monotonic()
            raise
        opened.autocommit = True
        return opened

    def _may_pass(self, error: Exception) -> bool:
        if isinstance(error, ReadOnlySqlTransaction):  # a former primary, after a fail-over
            self.close()
        broken = self._connection is not None and self._connection.closed != 0
        return broken or isinstance(error, DeadlockDetected | SerializationFailure | ReadOnlySqlTransaction)


def _rows(opened: cursor, sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    opened.execute(sql, parameters or None)
    return opened.fetchall() if opened.description else []
