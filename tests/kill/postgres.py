"""One world's database, and ways to take it away."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2

# Migrations begin `rollups`, so its rows stay.
DELETES = """
SELECT string_agg('DELETE FROM ' || quote_ident(tablename), '; ') FROM pg_tables
WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'rollups')"""
END_COPIES = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE 'COPY %' AND state = 'active' AND wait_event = 'ClientRead'"""
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


class Postgres:
    """A database that this test reads and empties; `server` is the URL of another one, from where it is closed."""

    def __init__(self, url: str, server: str) -> None:
        self.url = url
        self._own, self._server = psycopg2.connect(url), psycopg2.connect(server)
        self._own.autocommit = self._server.autocommit = True
        self._name = self._own.info.dbname

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement."""
        with self._own.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """Forget all rows."""
        self.rows(f"SET session_replication_role = replica; {self.rows(DELETES)[0][0]}")
        self.rows("UPDATE rollups SET until = 'epoch'")

    def end_copies(self) -> None:
        """End the connections of workers that froze in a COPY: no timeout of the server does."""
        self.rows(END_COPIES)

    @contextmanager
    def away(self) -> Iterator[None]:
        """End all sessions and take no new ones."""
        self._own.close()
        self._on_server(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._on_server(END_SESSIONS, [self._name])
        yield
        self._on_server(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")
        self._own = psycopg2.connect(self.url)
        self._own.autocommit = True

    def close(self) -> None:
        """Close the test's own connections."""
        self._own.close()
        self._server.close()

    def _on_server(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        with self._server.cursor() as cursor:
            cursor.execute(sql, parameters or None)
