"""Transactions of workers that stop in the middle."""

import pytest
from sqlalchemy import text

from tabserve.adapters.database import Database
from tabserve.errors import DatabaseUnavailableError


def test_a_worker_that_sleeps_in_a_transaction_keeps_nobody_waiting_for_long(postgres_url: str) -> None:
    sleeping, awake = Database(postgres_url, timeout_ms=100), Database(postgres_url, timeout_ms=5_000)
    counts = []
    with pytest.raises(DatabaseUnavailableError), sleeping.transaction() as connection:
        connection.execute(text("LOCK TABLE ingestions"))
        with awake.transaction() as other:
            counts += other.execute(text("SELECT count(*) FROM ingestions")).scalars().all()
    assert counts == [0]
    sleeping.close()
    awake.close()
