"""What goes wrong in the database is told without the values of any row."""

import json
from collections.abc import Callable
from io import StringIO

import pytest
from aws_lambda_powertools import Logger
from sqlalchemy import text

from tabserve.core.database import Database
from tabserve.core.errors import DatabaseUnavailableError, StatementRefusedError, TabserveError
from tabserve.serving.postgres import Postgres

SECRET = "Bobby Tables"
INSERT = "INSERT INTO alerts (id, rule, subject, state, severity, payload, created_at) VALUES "
STATEMENTS: dict[str, str] = {
    "a row that breaks a rule": f"{INSERT} (gen_random_uuid()::text, %s, NULL, 'firing', 'low', '{{}}', now())",
    "a value of another type": "SELECT %s::integer",
    "a row that is there": (
        "INSERT INTO idempotency_keys (key, use_case, body_sha256, status, response, created_at)"
        " SELECT %s, 'a', 'b', 200, '{}', now() FROM generate_series(1, 2)"
    ),
    "an index that is too small": (
        "INSERT INTO idempotency_keys (key, use_case, body_sha256, status, response, created_at)"
        " SELECT %s || string_agg(md5(n::text), ''), 'a', 'b', 200, '{}', now() FROM generate_series(1, 500) n"
    ),
}


@pytest.fixture
def log() -> tuple[Logger, StringIO]:
    stream = StringIO()
    return Logger(service=f"no-values-{id(stream)}", stream=stream), stream


def through_sqlalchemy(url: str, sql: str) -> None:
    database = Database(url)
    try:
        database.run(lambda connection: connection.exec_driver_sql(sql, (SECRET,)))
    finally:
        database.close()


def through_psycopg2(url: str, sql: str) -> None:
    postgres = Postgres(url)
    try:
        postgres.rows(sql, (SECRET,))
    finally:
        postgres.close()


def with_copy(url: str, _: str) -> None:
    def work(connection: object) -> None:
        cursor = connection.connection.cursor()  # type: ignore[attr-defined]
        cursor.copy_expert("COPY rollups (name, until) FROM STDIN", StringIO(f"{SECRET}\t{SECRET}\n"))

    database = Database(url)
    try:
        database.run(work)
    finally:
        database.close()


WAYS = [(run, name) for run in (through_sqlalchemy, through_psycopg2) for name in STATEMENTS]


@pytest.mark.parametrize(("run", "name"), [*WAYS, (with_copy, "a row that breaks a rule")])
def test_a_refused_statement_is_told_without_values(
    postgres_url: str, log: tuple[Logger, StringIO], run: Callable[[str, str], None], name: str
) -> None:
    logger, stream = log
    try:
        run(postgres_url, STATEMENTS[name])
    except StatementRefusedError as error:
        logger.exception("failed", extra={"error": str(error)})
    told = json.loads(stream.getvalue())
    assert told["exception_name"] == "StatementRefusedError"
    assert "The database refused a statement: " in told["error"]
    assert SECRET not in stream.getvalue()


def test_an_outage_is_told_without_values(postgres_url: str, log: tuple[Logger, StringIO]) -> None:
    logger, stream = log
    database = Database(postgres_url, timeout_ms=50)
    with pytest.raises(DatabaseUnavailableError) as raised:
        database.run(lambda connection: connection.execute(text("SELECT pg_sleep(5), :secret"), {"secret": SECRET}))
    try:
        raise raised.value
    except TabserveError:
        logger.exception("failed")
    assert "QueryCanceled 57014" in stream.getvalue()
    assert SECRET not in stream.getvalue()
    database.close()
