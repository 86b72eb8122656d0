"""Write predictions of past days as Parquet files, a day of a use case each, to be read without the database.

Nothing is deleted: scripts/retention.py does that, for predictions of no file. See docs/capacity.md.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import ColumnElement, Select, Text, cast, func, select

import command
import stack_env
from command import CommandError
from tabserve.core.buckets import ObjectStore
from tabserve.core.chunks import chunks
from tabserve.core.database import Database
from tabserve.core.folder import FolderStore
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client
from tabserve.core.settings import Settings, read_settings
from tabserve.core.tables import ground_truth, predictions

ONE_DAY: Final = timedelta(days=1)
TIMEOUT_MS: Final = 600_000  # sorting the rows of a large day takes its time
FETCHED_AT_ONCE: Final = 2_000
ROWS_OF_GROUP: Final = 100_000
BYTES_OF_GROUP: Final = 32_000_000
PARQUET: Final = "application/vnd.apache.parquet"
UTC_TIME: Final = pa.timestamp("us", tz="UTC")
# What a file has of each prediction; its folder says the use case and the day.
SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("created_at", UTC_TIME, nullable=False),
        pa.field("features", pa.string(), nullable=False),  # JSON
        pa.field("prediction", pa.string(), nullable=False),
        pa.field("probability", pa.float64()),
        pa.field("probabilities", pa.string()),  # JSON
        *(pa.field(name, pa.float64()) for name in ("value", "low", "high")),
        pa.field("entity_id", pa.string()),
        pa.field("file_id", pa.string()),
        pa.field("row_number", pa.int32()),
        pa.field("role", pa.string(), nullable=False),
        pa.field("actual", pa.string()),
        pa.field("actual_at", UTC_TIME),
    ]
)
JSON_COLUMNS: Final = ("features", "probabilities")
FEATURES: Final = SCHEMA.get_field_index("features")


@dataclass(frozen=True, slots=True)
class Day:
    """The predictions of a use case on one day, in UTC, and how many they are."""

    use_case: str
    day: date
    rows: int

    @property
    def key(self) -> str:
        """Where they are archived: the folders are named as Hive, Athena and DuckDB expect it."""
        return f"use_case={self.use_case}/day={self.day}/predictions.parquet"

    @property
    def condition(self) -> ColumnElement[bool]:
        """Which predictions they are."""
        begin = midnight(self.day)
        created = predictions.c.created_at
        return (predictions.c.use_case == self.use_case) & (created >= begin) & (created < begin + ONE_DAY)


def main() -> int:
    """Archive, or count with --dry-run."""
    arguments = parse_arguments()
    console = Console(highlight=False, soft_wrap=True)
    stopped = "stopped; whole days are archived, and another run goes on with the next one"
    return command.ended(lambda: run(arguments, console), stopped)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", metavar="TARGET", help="a folder, or s3://BUCKET/PREFIX")
    parser.add_argument(
        "--older-than",
        type=int,
        default=30,
        metavar="DAYS",
        help="days, in UTC, that ended so long ago, at least 1 (30)",
    )
    parser.add_argument("--use-case", metavar="NAME", help="only those of this use case")
    parser.add_argument("--dry-run", action="store_true", help="count only")
    arguments = parser.parse_args()
    if arguments.older_than < 1:
        parser.error("--older-than must be 1 or more: a day that goes on cannot be archived")
    return arguments


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Archive what the database of the settings has; raise CommandError, SettingsError or UnavailableError."""
    stack_env.apply()
    settings = read_settings()
    settings.require("database_url")
    store, prefix = target(arguments.target, settings)
    database = Database(settings.database_url, TIMEOUT_MS)
    try:
        with console.status("Looking for what is not archived yet"):
            until = datetime.now(UTC) - arguments.older_than * ONE_DAY
            there = set(store.keys(f"{prefix}use_case="))
            found = list(days(database, until, arguments.use_case))
            new = [day for day in found if prefix + day.key not in there]
        done = counted(new) if arguments.dry_run else archived(database, store, prefix, new, console)
    finally:
        database.close()
    verb = "would be archived" if arguments.dry_run else "archived"
    console.print(
        f"{done:,} predictions of {len(new):,} days {verb} in {arguments.target}; "
        f"{len(found) - len(new):,} days were there"
    )


def target(text: str, settings: Settings) -> tuple[ObjectStore, str]:
    """Return where to write and what keys begin with; raise CommandError for an address that is none."""
    scheme, found, rest = text.partition("://")
    if not found:
        return FolderStore(Path(text)), ""
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise CommandError(f"TARGET must be a folder or s3://BUCKET/PREFIX, not {text!r}")
    return S3Store(aws_client(settings, "s3"), bucket), prefix and f"{prefix.rstrip('/')}/"


def days(database: Database, until: datetime, use_case: str | None = None) -> Iterator[Day]:
    """Yield the days that had ended by then and have predictions, by use case and time."""
    created, end = predictions.c.created_at, midnight(until.date())
    named = select(predictions.c.use_case).distinct().order_by(predictions.c.use_case)
    for name in [use_case] if use_case else database.run(lambda to: to.execute(named).scalars().all()):
        begin = datetime.min.replace(tzinfo=UTC)
        while True:
            first = select(func.min(created)).where(predictions.c.use_case == name, created >= begin, created < end)
            if (found := scalar(database, first)) is None:
                break
            day = Day(name, found.astimezone(UTC).date(), 0)
            number = select(func.count()).select_from(predictions).where(day.condition)
            yield replace(day, rows=scalar(database, number))
            begin = midnight(day.day) + ONE_DAY


def counted(found: Iterable[Day]) -> int:
    """Return how many predictions the days have."""
    return sum(day.rows for day in found)


def archived(database: Database, store: ObjectStore, prefix: str, found: list[Day], console: Console) -> int:
    """Write each day to a file of its own and show how far it is; return how many predictions were written."""
    total = 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=counted(found))
        for day in found:
            progress.update(task, description=f"{day.use_case} {day.day}")
            with tempfile.TemporaryFile() as file:
                for rows in write(database, day, file):
                    total += rows
                    progress.advance(task, rows)
                store.put_new(prefix + day.key, file, PARQUET)  # whole or not at all
    return total


def write(database: Database, day: Day, file: BinaryIO) -> Iterator[int]:
    """Write a day as Parquet, a group of rows at a time; yield how many rows each group has."""
    with database.transaction() as connection, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        rows = connection.execute(statement(day), execution_options={"yield_per": FETCHED_AT_ONCE})
        for group in chunks(rows, lambda row: len(row[FEATURES]), BYTES_OF_GROUP, ROWS_OF_GROUP):
            columns = zip(*group, strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA), row_group_size=ROWS_OF_GROUP)
            yield len(group)


def statement(day: Day) -> Select[Any]:
    """Return the query for the rows of a day, each with its outcome if that is known, by time and id."""
    of_truth = {"actual": ground_truth.c.actual, "actual_at": ground_truth.c.created_at}
    stored = {
        name: cast(predictions.c[name], Text) if name in JSON_COLUMNS else predictions.c[name]
        for name in SCHEMA.names
        if name not in of_truth
    }
    wanted = stored | of_truth
    both = predictions.outerjoin(ground_truth, ground_truth.c.prediction_id == predictions.c.id)
    return (
        select(*(wanted[name].label(name) for name in SCHEMA.names))
        .select_from(both)
        .where(day.condition)
        .order_by(predictions.c.created_at, predictions.c.id)
    )


def midnight(day: date) -> datetime:
    """Return when a day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def scalar(database: Database, query: Select[Any]) -> Any:  # noqa: ANN401  what the query selects
    """Return the one value of a query."""
    return database.run(lambda connection: connection.scalar(query))


if __name__ == "__main__":
    sys.exit(main())
