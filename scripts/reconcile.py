"""Print what became of every raw file of the running stack and prove that no row was lost or doubled."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

import stack_env
from tabserve.core.database import Database
from tabserve.core.files import RawFile
from tabserve.ingestion.accounts import file_accounts
from tabserve.ingestion.reconciliation import FileAccount, Mismatch, reconcile

RULES = "SELECT rule, sum(rows) FROM data_quality_issues GROUP BY rule ORDER BY 2 DESC, 1"
RUNS = "SELECT status, count(*), sum(files), sum(rows) FROM prediction_runs GROUP BY status ORDER BY status"
PREDICTIONS = "SELECT model_version, source, count(*) FROM predictions GROUP BY 1, 2 ORDER BY 1, 2"


def main() -> int:
    """Reconcile the rows of the stack of a state folder; exit 1 when something does not add up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, default=stack_env.STACK_ENV, help="what `make up` wrote")
    path = parser.parse_args().env
    if not (env := stack_env.read(path)):
        print(f"There is no {path}: start a stack with `make up`.", file=sys.stderr)
        return 2
    s3 = stack_env.client(env, "s3")
    return report(Console(highlight=False), env["DATABASE_URL"], list(raw_files(s3, env["RAW_BUCKET"])))


def raw_files(s3: Any, bucket: str) -> Iterator[RawFile]:  # noqa: ANN401
    """Yield every version of every object in the raw bucket."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", ()):
            version_id = None if version["VersionId"] == "null" else version["VersionId"]
            yield RawFile(bucket, version["Key"], version["ETag"].strip('"'), version_id)


def report(console: Console, database_url: str, files: Sequence[RawFile]) -> int:
    """Print files, rules, predictions, runs and the proof; return 0 only if every row is accounted for."""
    database = Database(database_url)
    try:
        accounts = file_accounts(database)
        console.print(_files(accounts))
        _print_counts(console, "Broken rules", "{} {}", _rows(database, RULES))
        _print_counts(console, "Predictions", "{2} {1} by {0}", _rows(database, PREDICTIONS))
        _print_counts(console, "Scheduled runs", "{1} {0} with {2} files and {3} rows", _rows(database, RUNS))
    finally:
        database.close()
    return _conclude(console, accounts, reconcile(files, accounts))


def _conclude(console: Console, accounts: Sequence[FileAccount], mismatches: Sequence[Mismatch]) -> int:
    total, good, bad, predicted = (
        sum(getattr(account, name) for account in accounts)
        for name in ("rows_total", "rows_good", "rows_bad", "predicted")
    )
    console.print(
        f"{len(accounts)} files: {total} rows = {good} good + {bad} bad; {predicted} of {good} good rows predicted"
    )
    for mismatch in mismatches:
        console.print(f"  {mismatch.key or mismatch.file_id}: {mismatch.problem}", style="red", markup=False)
    result = f"FAILED ({len(mismatches)} mismatches)" if mismatches else "ok"
    console.print(f"reconciliation: {result}", style="red" if mismatches else "green")
    return 1 if mismatches else 0


def _files(accounts: Sequence[FileAccount]) -> Table:
    table = Table("raw file", "status", box=None)
    for name in ("rows", "good", "bad", "predicted", "file id"):
        table.add_column(name, justify="right")
    for a in accounts:
        counts = (a.rows_total, a.rows_good, a.rows_bad, a.predicted)
        table.add_row(a.key, a.status or "no verdict", *map(str, counts), a.file_id[:8])
    return table


def _print_counts(console: Console, title: str, pattern: str, rows: Sequence[Sequence[object]]) -> None:
    console.print(f"{title}: {', '.join(pattern.format(*row) for row in rows) or 'none'}", markup=False)


def _rows(database: Database, query: str) -> Sequence[Sequence[object]]:
    return database.run(lambda connection: connection.execute(text(query)).all())


if __name__ == "__main__":
    sys.exit(main())
