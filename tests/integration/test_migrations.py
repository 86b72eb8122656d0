import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import DBAPIError

import migrate
from tabserve.adapters import database
from tabserve.adapters.tables import metadata

SCRIPT = Path(migrate.__file__)


def test_migrations_lead_to_the_metadata(empty_postgres_url: str) -> None:
    migrate.migrate(empty_postgres_url)

    engine = database.create(empty_postgres_url)
    with engine.begin() as connection:
        command.check(migrate.config(connection))
    engine.dispose()


def test_migrations_can_be_repeated_and_taken_back(database_url: str) -> None:
    migrate.migrate(database_url)

    engine = database.create(database_url)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    with engine.begin() as connection:
        command.downgrade(migrate.config(connection), "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()


def test_two_migrations_at_once_wait_for_each_other(empty_postgres_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.migrate, [empty_postgres_url] * 4))

    assert migrate.revision(empty_postgres_url)


def test_the_reader_reads_and_writes_nothing(postgres_url: str) -> None:
    migrate.migrate(postgres_url, reader_password="it's 100% secret")

    reader = make_url(postgres_url).set(username=migrate.READER, password="it's 100% secret")
    engine = database.create(reader.render_as_string(hide_password=False))
    with engine.connect() as connection:
        for table in metadata.tables:
            connection.execute(text(f"SELECT count(*) FROM {table}"))
    for statement in ("DELETE FROM predictions", "SET transaction_read_only = off; DELETE FROM predictions"):
        with engine.connect() as connection, pytest.raises(DBAPIError, match=r"read-only|permission denied"):
            connection.execute(text(statement))
    engine.dispose()


def test_the_script_names_the_missing_setting(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, SCRIPT], cwd=tmp_path, env={}, capture_output=True, text=True)

    assert run.returncode == 2
    assert "DATABASE_URL" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_the_script_migrates_what_the_setting_names(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}
    run = subprocess.run([sys.executable, SCRIPT], cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    assert (
        run.stdout.strip()
        == f"sqlite:///{tmp_path}/x.db is at revision {migrate.revision(environment['DATABASE_URL'])}"
    )
