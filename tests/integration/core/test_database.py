"""Transactions of workers that stop in the middle."""

from collections.abc import Callable

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


def _sleep_while(connection: Connection, others_work: Callable[[], None]) -> None:
    connection.execute(text("LOCK TABLE ingestions"))
    others_work()


def _count_files(database: Database) -> int:
    with database.transaction() as connection:
        return int(connection.execute(text("SELECT count(*) FROM ingestions")).scalar_one())
