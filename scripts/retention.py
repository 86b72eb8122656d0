"""Delete what is older than its keeping time, in small transactions beside running work; see docs/monitoring.md."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from sqlalchemy import ColumnElement, Table, delete, func, select, tuple_

import command
import stack_env
from tabserve.core.database import Database
from tabserve.core.settings import read_settings
from tabserve.core.tables import (
    alerts,
    challenger_predictions,
    drift_metrics,
    idempotency_keys,
    performance_metrics,
    predictions,
    scoring_counts,
)

BATCH = 10_000


def main() -> int:
    """Delete, or count with --dry-run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=int, default=90, metavar="DAYS", help="not those of files (90)")
    parser.add_argument("--metrics", type=int, default=400, metavar="DAYS", help="drift and performance (400)")
    parser.add_argument("--alerts", type=int, default=400, metavar="DAYS", help="alerts that were sent (400)")
    parser.add_argument("--replies", type=int, default=7, metavar="DAYS", help="answers kept for repeated calls (7)")
    parser.add_argument("--dry-run", action="store_true", help="count only")
    arguments = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    return command.ended(lambda: delete_expired(arguments, console), "stopped; what was deleted stays deleted")


def delete_expired(arguments: argparse.Namespace, console: Console) -> None:
    """Delete or count table by table."""
    stack_env.apply()
    settings = read_settings()
    settings.require("database_url")
    database = Database(settings.database_url)
    for table, old in expired(arguments, datetime.now(UTC)).items():
        count = counted(database, table, old) if arguments.dry_run else deleted(database, table, old, console)
        console.print(f"{table.name}: {count:,} rows {'would go' if arguments.dry_run else 'deleted'}")


def expired(arguments: argparse.Namespace, now: datetime) -> dict[Table, ColumnElement[bool]]:
    """Return which rows of each table go.

    Predictions of files stay: that every row of a file has its prediction is counted over them. Outcomes go with
    their predictions, and so does what challengers said beside them, which goes of files, too. Counters stay, as they
    are kept apart.
    """

    def before(days: int) -> datetime:
        return now - timedelta(days=days)

    of_no_file = predictions.c.file_id.is_(None)
    return {
        predictions: of_no_file & (predictions.c.created_at < before(arguments.predictions)),
        challenger_predictions: challenger_predictions.c.created_at < before(arguments.predictions),
        scoring_counts: scoring_counts.c.minute < before(arguments.metrics),
        drift_metrics: drift_metrics.c.window_end < before(arguments.metrics),
        performance_metrics: performance_metrics.c.window_end < before(arguments.metrics),
        alerts: alerts.c.sent_at.is_not(None) & (alerts.c.created_at < before(arguments.alerts)),
        idempotency_keys: idempotency_keys.c.created_at < before(arguments.replies),
    }


def counted(database: Database, table: Table, old: ColumnElement[bool]) -> int:
    """Count the rows that would go."""
    query = select(func.count()).select_from(table).where(old)
    return int(database.run(lambda connection: connection.scalar(query)) or 0)


def deleted(database: Database, table: Table, old: ColumnElement[bool], console: Console) -> int:
    """Delete rows a batch at a time, so that nothing waits long for a lock; return how many."""
    key = tuple_of_key(table)
    batch = delete(table).where(key.in_(select(*table.primary_key.columns).where(old).limit(BATCH)))
    total = 0
    with console.status("") as status:
        while count := database.run(lambda connection: connection.execute(batch).rowcount):
            total += count
            status.update(f"{table.name}: {total:,} rows deleted")
    return total


def tuple_of_key(table: Table) -> Any:  # noqa: ANN401  one column or several
    """Return the primary key as one value to compare."""
    columns = list(table.primary_key.columns)
    return columns[0] if len(columns) == 1 else tuple_(*columns)


if __name__ == "__main__":
    sys.exit(main())
