"""What is archived reads back as it was stored."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from sqlalchemy import select

import archive
import stack_env
from command import CommandError
from tabserve.core.database import Database
from tabserve.core.folder import FolderStore
from tabserve.core.settings import read_settings
from tabserve.core.tables import ground_truth, predictions
from tabserve.ingestion.store import Ingestions
from tabserve.serving.prediction import GroundTruth
from tabserve.serving.store import prediction_store
from tests.factories import batch, file_batch, ingestion
from tests.lambdas import emulated

QUIET = Console(quiet=True)
FIRST, SECOND = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
UNTIL = datetime(2026, 1, 4, 5, tzinfo=UTC)
WIDE = {f"column {number} é\n'\"": [number / 3] for number in range(1_000)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the archive is to be, beside nothing else."""
    return tmp_path / "archive"


@pytest.fixture
def stored(database: Database, database_url: str) -> Database:
    """Predictions of two use cases on two days, of one more that goes on, of a file, and outcomes of some."""
    Ingestions(database).save(ingestion("f1"), [], [])
    store = prediction_store(database_url)
    evening = datetime(2026, 1, 2, 20, 30, tzinfo=timezone(timedelta(hours=-5)))  # the second day, in UTC
    answered = batch(created_at=FIRST, entity_ids=["Zoë 🎈"])
    store.add(
        answered,
        batch(300, created_at=SECOND - timedelta(microseconds=1)),
        batch(created_at=evening),
        batch(created_at=SECOND, columns=WIDE, use_case="wide-one_2"),
        file_batch("f1", [1, 2], created_at=SECOND),
        batch(created_at=datetime(2026, 1, 4, tzinfo=UTC)),
    )
    store.record_ground_truth("titanic", [GroundTruth("1", prediction_id=answered.ids[0])], UNTIL)
    return database


def archived(database: Database, store: FolderStore, prefix: str = "") -> int:
    found = [day for day in archive.days(database, UNTIL) if prefix + day.key not in set(store.keys(prefix))]
    return archive.archived(database, store, prefix, found, QUIET)


def in_database(database: Database) -> list[dict[str, Any]]:
    outcome = (ground_truth.c.actual, ground_truth.c.created_at.label("actual_at"))
    query = (
        select(predictions, *outcome).outerjoin(ground_truth).where(predictions.c.created_at < archive.midnight(UNTIL))
    )
    found = database.run(lambda connection: connection.execute(query).mappings().all())
    return sorted(
        ({**row, "day": row["created_at"].astimezone(UTC).date()} for row in found), key=lambda row: row["id"]
    )


def read(folder: Path) -> list[dict[str, Any]]:
    frame = pl.scan_parquet(folder / "**/*.parquet", hive_partitioning=True, try_parse_hive_dates=True).collect()
    found = frame.sort("id").to_dicts()
    of_json = ("features", "probabilities")
    return [row | {name: row[name] and json.loads(row[name]) for name in of_json} for row in found]


def test_reading_it_back_equals_the_rows(stored: Database, folder: Path) -> None:
    assert archived(stored, FolderStore(folder)) == 305
    expected = in_database(stored)
    assert {row["day"] for row in expected} == {date(2026, 1, 2), date(2026, 1, 3)}
    assert sum(row["actual"] is not None for row in expected) == 1
    assert read(folder) == expected


def test_a_day_is_one_file_with_the_names_that_query_engines_know(stored: Database, folder: Path) -> None:
    archived(stored, FolderStore(folder))
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "use_case=titanic/day=2026-01-02/predictions.parquet",
        "use_case=titanic/day=2026-01-03/predictions.parquet",
        "use_case=wide-one_2/day=2026-01-03/predictions.parquet",
    ]


def test_the_second_run_writes_nothing(stored: Database, folder: Path) -> None:
    archived(stored, FolderStore(folder))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert archived(stored, FolderStore(folder)) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_run_that_was_stopped_leaves_whole_days_only_and_the_next_goes_on(
    stored: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ROWS_OF_GROUP", 100)
    whole, stopped = archive.write, iter([False, True])

    def write(*arguments: Any) -> Iterator[int]:
        stop = next(stopped)
        for rows in whole(*arguments):
            if stop:
                raise KeyboardInterrupt
            yield rows

    with monkeypatch.context() as patch:
        patch.setattr(archive, "write", write)
        with pytest.raises(KeyboardInterrupt):
            archived(stored, FolderStore(folder))
    assert [path.parent.name for path in folder.rglob("*") if path.is_file()] == ["day=2026-01-02"]
    assert archived(stored, FolderStore(folder)) == 4
    assert read(folder) == in_database(stored)


def test_rows_are_written_in_groups_of_bounded_size(
    stored: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ROWS_OF_GROUP", 100)
    archived(stored, FolderStore(folder))
    (large,) = folder.glob("use_case=titanic/day=2026-01-02/*")
    file = pq.ParquetFile(large)
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [100, 100, 100, 1]


def test_a_command_archives_what_it_is_asked_for_in_a_bucket(
    stored: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(stack_env, "apply", lambda: True)
    asked = {"target": "s3://old/archive/", "older_than": 30, "use_case": None}
    with emulated(buckets=("old",)) as aws:
        archive.run(argparse.Namespace(**asked, dry_run=True), Console(soft_wrap=True))
        assert "Contents" not in aws.s3.list_objects_v2(Bucket="old")
        for _ in range(2):
            archive.run(argparse.Namespace(**asked | {"use_case": "titanic"}, dry_run=False), Console(soft_wrap=True))
        written = [each["Key"] for each in aws.s3.list_objects_v2(Bucket="old")["Contents"]]
    assert [key.split("/")[:2] for key in written] == [["archive", "use_case=titanic"]] * 3
    said = capsys.readouterr().out
    assert "306 predictions of 4 days would be archived in s3://old/archive/; 0 days were there" in said
    assert "305 predictions of 3 days archived in s3://old/archive/; 0 days were there" in said
    assert "0 predictions of 0 days archived in s3://old/archive/; 3 days were there" in said


@pytest.mark.parametrize("address", ["gs://bucket", "s3://"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(CommandError, match="TARGET must be a folder or s3://BUCKET/PREFIX"):
        archive.target(address, read_settings())
