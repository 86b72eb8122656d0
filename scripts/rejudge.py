"""Judge past raw files again under the present definition, or another one, and print what would change.

Nothing is overwritten: the files' verdicts, rows and predictions stay. What is found goes to a place of its own, by
file and definition: good.csv, bad.csv and report.html.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table
from sqlalchemy import func, select

import command
import stack_env
from archive import target
from command import CommandError
from tabserve.core.buckets import ObjectStore
from tabserve.core.catalog import load_use_case
from tabserve.core.clock import utc_now
from tabserve.core.database import Database
from tabserve.core.files import Ingestion, RawFile
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client
from tabserve.core.settings import Settings, read_settings
from tabserve.core.tables import ingestions
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import read_bad_rows
from tabserve.ingestion.raw_bucket import S3RawBucket
from tabserve.ingestion.rejudging import OneDefinition, Rejudged
from tabserve.ingestion.report import HtmlReports
from tabserve.ingestion.service import CONTRACT_DIGITS, CSV, HTML
from tabserve.ingestion.store import COLUMNS
from tabserve.ingestion.validation import ValidatedFile, ValidationDependencies, validate
from tabserve.ingestion.validator import validate_rows
from tabserve.registry.build import catalog

PLACE = "rejudged/"
MOST_RULES = 20


def main() -> int:
    """Judge again; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    console = Console(highlight=False, soft_wrap=True)
    return command.ended(lambda: run(arguments, console), "stopped; nothing was overwritten")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--use-case", required=True, metavar="NAME", help="whose files")
    add_period(parser, "files that were ingested")
    parser.add_argument(
        "--definition", type=Path, metavar="YAML", help="judge by this file instead of what the champion was trained on"
    )
    parser.add_argument(
        "--out", metavar="TARGET", help=f"a folder, or s3://BUCKET/PREFIX; {PLACE} in the artifacts bucket without"
    )
    return parser.parse_args()


def add_period(parser: argparse.ArgumentParser, what: str) -> None:
    """Let a command line say which days it is about."""
    parser.add_argument("--from", dest="start", type=moment, metavar="TIME", help=f"{what} from then on, in UTC")
    parser.add_argument("--to", dest="end", type=moment, metavar="TIME", help="and before then, in UTC")


def moment(text: str) -> datetime:
    """Return a time, in UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-30 or 2026-11-30T12:00") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Judge the files of the settings' buckets; raise CommandError, SettingsError or UnavailableError."""
    stack_env.apply()
    settings = read_settings()
    settings.require("database_url", "raw_bucket", "bad_bucket", "artifacts_bucket")
    known = catalog(settings)
    use_case = load_use_case(arguments.definition) if arguments.definition else known.get(arguments.use_case)
    if use_case.name != arguments.use_case:
        raise CommandError(f"{arguments.definition} defines {use_case.name!r}, not {arguments.use_case!r}.")
    artifacts = S3Store(aws_client(settings, "s3"), settings.artifacts_bucket)
    out, prefix = target(arguments.out, settings) if arguments.out else (artifacts, PLACE)
    judge = Judge(settings, OneDefinition(use_case, known), HtmlReports(artifacts, settings.ui_url), out, prefix)
    with console.status("Looking for the files"):
        files = list(judge.files(arguments.use_case, arguments.start, arguments.end))
    found: list[Rejudged] = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for before, file in progress.track(files, description="Judging"):
            found.append(judge.again(before, file))
    place = arguments.out or f"s3://{settings.artifacts_bucket}/{PLACE.rstrip('/')}"
    print_result(console, use_case, found, place)


class Judge:
    """Judges files by another catalog and stores what it finds where nothing else is."""

    def __init__(
        self, settings: Settings, definitions: OneDefinition, reports: HtmlReports, out: ObjectStore, prefix: str
    ) -> None:
        self._settings = settings
        client = aws_client(settings, "s3")
        raw = S3Store(client, settings.raw_bucket)
        self._versions = S3RawBucket(client, settings.raw_bucket)
        self._bad = S3Store(client, settings.bad_bucket)
        self._dependencies = ValidationDependencies(definitions, raw, validate_rows, utc_now, settings.default_use_case)
        self._reports = reports
        self._out = out
        self._prefix = prefix

    def files(self, use_case: str, start: datetime | None, end: datetime | None) -> Iterator[tuple[Ingestion, RawFile]]:
        """Yield the files of a use case with what is known of them, oldest first; those that are gone are left out."""
        at = func.coalesce(ingestions.c.written_at, ingestions.c.started_at)
        query = select(*COLUMNS).where(ingestions.c.use_case == use_case, ingestions.c.status != "failed").order_by(at)
        query = query.where(at >= start) if start else query
        query = query.where(at < end) if end else query
        database = Database(self._settings.database_url)
        try:
            known = [Ingestion(*row) for row in database.run(lambda connection: connection.execute(query).all())]
        finally:
            database.close()
        there = {file.file_id: file for file, _ in self._versions.files()} if known else {}
        yield from ((each, there[each.file_id]) for each in known if each.file_id in there)

    def again(self, before: Ingestion, file: RawFile) -> Rejudged:
        """Judge one file and store its rows and report."""
        with tempfile.TemporaryDirectory(prefix="rejudge-") as folder:
            judged = validate(file, self._dependencies, Path(folder))
            self._store(judged)
            if not judged.bad.exists():
                judged.bad.touch()
            with judged.bad.open("rb") as bad:
                if before.bad_key is None:
                    return Rejudged.of(before, judged.ingestion, (), read_bad_rows(bad))
                with self._bad.open(before.bad_key) as bad_before:
                    return Rejudged.of(before, judged.ingestion, read_bad_rows(bad_before), read_bad_rows(bad))

    def _store(self, judged: ValidatedFile) -> None:
        contract = (judged.ingestion.contract_sha256 or "none")[:CONTRACT_DIGITS]
        folder = f"{self._prefix}{judged.ingestion.use_case}/{judged.ingestion.file_id}/{contract}"
        for name, path in (("good.csv", judged.good), ("bad.csv", judged.bad)):
            if path.exists():
                with path.open("rb") as stream:
                    self._out.put_new(f"{folder}/{name}", stream, CSV)
        report = self._reports.write(judged.ingestion, judged.result, judged.use_case)
        self._out.put_new(f"{folder}/report.html", report, HTML)


def print_result(console: Console, use_case: UseCase, found: list[Rejudged], place: str) -> None:
    """Say which files and rows have another verdict, and why."""
    changed = [each for each in found if each.changed]
    rows = sum(each.now.rows_total for each in found)
    which = f"version {use_case.version} of the definition ({use_case.contract_sha256[:CONTRACT_DIGITS]})"
    console.print(f"{len(found):,} files with {rows:,} rows, judged by {which}")
    if changed:
        table = Table(Column("raw file", overflow="fold"), "before", "now", "good now", "bad now")
        for each in changed:
            counts = (f"{each.rows_good_now:,}", f"{each.rows_bad_now:,}")
            table.add_row(each.before.key, _verdict(each.before), _verdict(each.now), *counts)
        console.print(table)
        _print_rules(console, "are bad now", sum((each.bad_now for each in changed), Counter()))
        _print_rules(console, "were bad and are good now", sum((each.good_now for each in changed), Counter()))
    else:
        console.print("no file and no row has another verdict")
    console.print(f"rows and reports are in {place}; what is known of the files stays as it is", markup=False)


def _verdict(ingestion: Ingestion) -> str:
    if ingestion.status == "rejected":
        return f"rejected: {(ingestion.error or '').partition(':')[0]}"
    return f"{ingestion.rows_good:,} good, {ingestion.rows_bad:,} bad"


def _print_rules(console: Console, what: str, counts: Counter[tuple[str, str]]) -> None:
    for (column, rule), rows in counts.most_common(MOST_RULES):
        console.print(f"  {rows:,} rows {what}: {column or 'the row'} {rule}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
