"""Transactions of workers that stop in the middle."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, text

from tabserve.core.database import Database
from tabserve.core.errors import DatabaseUnavailableError


def test_a_worker_that_sleeps_in_a_transaction_keeps_nobody_waiting_for_long(postgres_url: str) -> None:
    sleeping, awake = Database(postgres_url, timeout_ms=100), Database(postgres_url, timeout_ms=5_000)
    counts: list[int] = []  # one for each of the attempts that the sleeper makes
    with pytest.raises(DatabaseUnavailableError):
        sleeping.run(lambda connection: _sleep_while(connection, lambda: counts.append(_count_files(awake))))
    assert set(counts) == {0}
    sleeping.close()
    awake.close()


def test_the_threads_of_a_process_share_one_connection(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        with ThreadPoolExecutor(8) as pool:
            held = set(pool.map(lambda _: _session(database), range(40)))
    finally:
        database.close()
    assert len(held) == 1


def test_a_connection_that_another_thread_keeps_is_unavailable(postgres_url: str) -> None:
    database = Database(postgres_url, timeout_ms=100)
    try:
        with (
            database.transaction(),
            ThreadPoolExecutor(1) as pool,
            pytest.raises(DatabaseUnavailableError, match="give"),
        ):
            pool.submit(_session, database).result()
    finally:
        database.close()


def _session(database: Database) -> int:
    with database.transaction() as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _sleep_while(connection: Connection, others_work: Callable[[], None]) -> None:
    connection.execute(text("LOCK TABLE ingestions"))
    others_work()


def _count_files(database: Database) -> int:
    with database.transaction() as connection:
        return int(connection.execute(text("SELECT count(*) FROM ingestions")).scalar_one())
