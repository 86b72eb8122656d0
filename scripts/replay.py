"""Ask another version of the model with past records and print how its answers differ from those that were given.

Nothing is overwritten: what it says is stored beside the predictions, with the role "replay"; a second run adds what is
missing. Records that break a rule of the version's own definition are counted.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import ColumnElement, Select, func, select

import command
import stack_env
from archive import scalar
from command import CommandError
from models import one_version
from rejudge import add_period
from tabserve.core.database import Database, insert
from tabserve.core.settings import read_settings
from tabserve.core.tables import challenger_predictions, ground_truth, predictions
from tabserve.core.use_case import UseCase
from tabserve.registry.build import catalog, registry
from tabserve.registry.store import Registry
from tabserve.serving.answers import Served
from tabserve.serving.replay import Changes, Past, replay

AT_ONCE = 2_000
TIMEOUT_MS = 600_000  # of a query that sorts the rows of many days
MOST_MOVES = 10
ALIASES = ("champion", "challenger")


def main() -> int:
    """Replay, or only compare with --dry-run; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    console = Console(highlight=False, soft_wrap=True)
    return command.ended(lambda: run(arguments, console), "stopped; what was answered so far is stored, and kept apart")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--use-case", required=True, metavar="NAME", help="whose predictions")
    add_period(parser, "predictions made")
    parser.add_argument(
        "--model", required=True, metavar="VERSION", help="its name, the beginning of it, champion or challenger"
    )
    parser.add_argument("--dry-run", action="store_true", help="compare and store nothing")
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Replay what the database of the settings has; raise CommandError, SettingsError or UnavailableError."""
    stack_env.apply()
    settings = read_settings()
    settings.require("database_url", "artifacts_bucket")
    served = version(registry(settings), catalog(settings).get(arguments.use_case), arguments.model)
    changes, stored = Changes(served.use_case.is_regression), 0
    wanted = condition(arguments.use_case, arguments.start, arguments.end)
    # Rows are read in one transaction and stored in others, each on a connection of its own.
    with closing(Database(settings.database_url, TIMEOUT_MS)) as past, closing(Database(settings.database_url)) as to:
        with console.status("Counting"):
            total = scalar(past, select(func.count()).select_from(predictions).where(wanted))
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("Replaying", total=total)
            for rows in pages(past, wanted):
                said = list(replay(served, rows, datetime.now(UTC), changes))
                stored += 0 if arguments.dry_run else store(to, said)
                progress.advance(task, len(rows))
    print_result(console, served, total, changes)
    if not arguments.dry_run:
        there = changes.rows - stored
        console.print(f"{stored:,} answers stored beside the predictions{f', {there:,} were there' if there else ''}")


def version(versions: Registry, use_case: UseCase, asked: str) -> Served:
    """Return the version that is asked for; raise CommandError or ModelError."""
    name = use_case.name
    beginning = versions.alias(name, asked) or "" if asked in ALIASES else asked  # type: ignore[arg-type]
    if not beginning:
        raise CommandError(f"{name} has no {asked}.")
    found = one_version(versions, name, beginning)
    definition = versions.definition(name, found) or use_case
    return Served(definition, versions.load(definition, found))


def condition(use_case: str, start: datetime | None, end: datetime | None) -> ColumnElement[bool]:
    """Return which predictions are replayed."""
    made = predictions.c.created_at
    wanted = predictions.c.use_case == use_case
    wanted = wanted & (made >= start) if start else wanted
    return wanted & (made < end) if end else wanted


def pages(database: Database, wanted: ColumnElement[bool]) -> Iterator[Sequence[Past]]:
    """Yield predictions with their outcomes, oldest first, some at a time."""
    with database.transaction() as connection:
        rows = connection.execute(statement(wanted), execution_options={"yield_per": AT_ONCE})
        for page in rows.partitions(AT_ONCE):
            yield [Past(*row) for row in page]


def statement(wanted: ColumnElement[bool]) -> Select[Any]:
    """Return the query for what a Past holds."""
    names = ("id", "features", "prediction", "probability", "value")
    both = predictions.outerjoin(ground_truth, ground_truth.c.prediction_id == predictions.c.id)
    return (
        select(*(predictions.c[name] for name in names), ground_truth.c.actual)
        .select_from(both)
        .where(wanted)
        .order_by(predictions.c.created_at, predictions.c.id)
    )


def store(database: Database, said: Sequence[dict[str, Any]]) -> int:
    """Store answers beside the predictions that are still there; return how many were not there yet."""
    if not said:
        return 0
    with database.transaction() as connection:
        asked = select(predictions.c.id).where(predictions.c.id.in_([each["prediction_id"] for each in said]))
        there = set(connection.execute(asked.with_for_update(read=True, key_share=True)).scalars())
        kept = [each for each in said if each["prediction_id"] in there]
        added = insert(connection, challenger_predictions).values(kept).on_conflict_do_nothing() if kept else None
        return 0 if added is None else connection.execute(added).rowcount


def print_result(console: Console, served: Served, total: int, changes: Changes) -> None:
    """Say what the version would have answered."""
    console.print(f"{served.use_case.name}: {changes.rows:,} of {total:,} predictions asked again of {served.version}")
    for (column, rule), rows in changes.refused.most_common():
        console.print(f"  {rows:,} records cannot be asked: {column} {rule}", markup=False)
    if not changes.rows:
        return
    share = changes.differing / changes.rows
    console.print(f"{changes.differing:,} answers differ ({share:.1%})")
    if not changes.regression:
        for (before, now), rows in changes.moves.most_common(MOST_MOVES):
            if before != now:
                console.print(f"  {rows:,} from {before} to {now}", markup=False)
    what = "numbers" if changes.regression else "probabilities"
    console.print(f"{what} differ by {changes.distance / changes.rows:.4g} on average, {changes.farthest:.4g} at most")
    if changes.known:
        wrong, wrong_now = changes.errors_before / changes.known, changes.errors_now / changes.known
        if changes.regression:
            how = f"mean absolute error {wrong:.4g} before, {wrong_now:.4g} now"
        else:
            how = f"accuracy {1 - wrong:.3f} before, {1 - wrong_now:.3f} now"
        console.print(f"{changes.known:,} outcomes are known: {how}")


if __name__ == "__main__":
    sys.exit(main())
