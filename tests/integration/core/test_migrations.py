import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import DBAPIError

import migrate
from tabserve.core import database
from tabserve.core.tables import metadata
from tabserve.serving.prediction import row_ids

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


PREDICTION = """INSERT INTO predictions (id, request_id, use_case, model_version, source, created_at, features,
    prediction, probability, probabilities, file_id, row_number)
    VALUES (:id, 'r', 'titanic', :version, :source, :at, '{}', '1', 0.5, '{}', 'f1', :row)"""
OUTCOME = "INSERT INTO ground_truth VALUES (:id, 'titanic', :actual, :at)"


def test_of_predictions_of_two_versions_the_earliest_stays_with_the_latest_outcome(database_url: str) -> None:
    """Row 1 was doubled by a promotion, row 2 twice; row 3 was not; somebody sent row 1 as `api` as well."""
    at = [f"2026-01-0{day} 12:00:00.000000" for day in range(1, 8)]
    if database_url.startswith("postgresql"):
        at = [f"{time}+00" for time in at]
    stored = [
        (1, "v1", "scheduled", at[0]),
        (1, "v2", "scheduled", at[1]),
        (2, "v3", "scheduled", at[2]),
        (2, "v2", "scheduled", at[1]),
        (2, "v1", "scheduled", at[0]),
        (3, "v2", "scheduled", at[1]),
        (1, "v4", "api", at[3]),
    ]
    engine = database.create(database_url)
    with engine.begin() as connection:
        command.downgrade(migrate.config(connection), "0004")
        for row, version, source, time in stored:
            values = {
                "id": row_ids("f1", [row], version)[0],
                "version": version,
                "source": source,
                "at": time,
                "row": row,
            }
            connection.execute(text(PREDICTION), values)
        for row, version, actual, time in ((1, "v1", "old", at[3]), (1, "v2", "new", at[4]), (2, "v2", "only", at[3])):
            values = {"id": row_ids("f1", [row], version)[0], "actual": actual, "at": time}
            connection.execute(text(OUTCOME), values)
        for version, total in (("v1", 102), ("v2", 3), ("v3", 5)):
            counted = f"INSERT INTO prediction_totals VALUES ('titanic', '{version}', 'scheduled', '1', {total})"
            connection.execute(text(counted))
        connection.execute(text("UPDATE rollups SET until = :until"), {"until": at[2]})  # before v3 was counted

    migrate.migrate(database_url)

    with engine.connect() as connection:
        kept = "SELECT row_number, model_version, source FROM predictions ORDER BY 1, 2"
        assert [tuple(row) for row in connection.execute(text(kept))] == [
            (1, "v1", "scheduled"),
            (1, "v4", "api"),
            (2, "v1", "scheduled"),
            (3, "v2", "scheduled"),
        ]
        outcomes = "SELECT row_number, actual FROM predictions JOIN ground_truth ON id = prediction_id ORDER BY 1"
        assert [tuple(row) for row in connection.execute(text(outcomes))] == [(1, "new"), (2, "only")]
        assert connection.scalar(text("SELECT count(*) FROM ground_truth")) == 2
        totals = "SELECT model_version, predictions FROM prediction_totals ORDER BY 1"
        assert [tuple(row) for row in connection.execute(text(totals))] == [("v1", 102), ("v2", 1), ("v3", 5)]
    engine.dispose()


def test_predictions_and_their_outcomes_outlive_the_columns_of_numbers(database_url: str) -> None:
    engine = database.create(database_url)
    at = "2026-01-01 12:00:00.000000" + ("+00" if database_url.startswith("postgresql") else "")
    known, number = row_ids("f1", [1, 2], "v1")
    with engine.begin() as connection:
        command.downgrade(migrate.config(connection), "0009")
        values = {"id": known, "version": "v1", "source": "scheduled", "at": at, "row": 1}
        connection.execute(text(PREDICTION), values)
        connection.execute(text(OUTCOME), {"id": known, "actual": "1", "at": at})

    migrate.migrate(database_url)

    numbers = """INSERT INTO predictions (id, request_id, use_case, model_version, source, created_at, features,
        prediction, value, low, high) VALUES (:id, 'r', 'rents', 'v1', 'api', :at, '{}', '1.5', 1.5, 1, 2)"""
    probabilities = text("SELECT probability, CAST(probabilities AS TEXT) FROM predictions")
    with engine.begin() as connection:
        assert connection.execute(probabilities).all() == [(0.5, "{}")]
        connection.execute(text(numbers), {"id": number, "at": at})
        command.downgrade(migrate.config(connection), "0009")
    with engine.connect() as connection:
        assert connection.execute(probabilities).all() == [(0.5, "{}")]
        assert connection.scalar(text("SELECT actual FROM ground_truth")) == "1"
    engine.dispose()


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
