"""List quarantined rows, export those of a file to be repaired, and submit the repaired ones as a new raw file."""

import argparse
import csv
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from sqlalchemy import text

import stack_env
from tabserve.core import database
from tabserve.core.good_rows import GoodRows
from tabserve.core.s3 import S3Store
from tabserve.ingestion.quarantine import printable, read_bad_rows
from tabserve.ingestion.structure import split_record

NOTES = ("tabserve_row_number", "tabserve_reasons")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")  # with a sign it is no formula
LIST = """
SELECT key, file_id, rows_total, rows_bad, criticality, finished_at FROM ingestions
WHERE rows_bad > 0 ORDER BY finished_at DESC LIMIT :limit
"""
FIND = "SELECT * FROM ingestions WHERE rows_bad > 0 AND file_id LIKE :start"


class QuarantineError(Exception):
    """What was asked for cannot be done; the message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; exit 2 with one message when that is impossible."""
    options = _parser().parse_args(arguments)
    stack_env.apply()
    try:
        print(options.run(options))
    except (QuarantineError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def list_files(options: argparse.Namespace) -> str:
    """Return the files with bad rows, newest first."""
    with _connection() as connection:
        found = connection.execute(text(LIST), {"limit": options.limit}).mappings().all()
    lines = [
        f"{row['file_id'][:12]}  {row['rows_bad']:>7} of {row['rows_total']:<8} {row['criticality']:<7} {row['key']}"
        for row in found
    ]
    return "\n".join(lines) or "no file has bad rows"


def export(options: argparse.Namespace) -> str:
    """Write the bad rows of a file as a CSV a spreadsheet can edit; return what was written."""
    file = _file(options.file_id)
    target = Path(options.out or f"{Path(file['key']).stem}.repair.csv")
    if target.exists():
        raise QuarantineError(f"{target} exists; name another file with --out.")
    s3: Any = boto3.client("s3")
    header = _header(s3, file)
    body = s3.get_object(Bucket=os.environ["BAD_BUCKET"], Key=file["bad_key"])["Body"]
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*map(guarded, header), *NOTES])
        count = 0
        for row in read_bad_rows(body):
            cells = split_record(printable(row.raw).replace("\0", "␀"))[0][: len(header)]
            cells += [""] * (len(header) - len(cells))
            reasons = "; ".join(f"{reason.column} {reason.rule}".strip() for reason in row.reasons)
            writer.writerow([*map(guarded, cells), row.row_number, guarded(reasons)])
            count += 1
    return f"{count} rows written to {target}; repair them, then: quarantine.py submit {file['file_id'][:12]} {target}"


def submit(options: argparse.Namespace) -> str:
    """Upload repaired rows under a key that names the file they come from; return the key."""
    file = _file(options.file_id)
    source = Path(options.csv)
    with source.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    if len(rows) < 2 or tuple(rows[0][-len(NOTES) :]) != NOTES:
        raise QuarantineError(f"{source} is not an exported file, or has no rows left.")
    folder, _, name = file["key"].rpartition("/")
    stem = re.sub(r"\.repaired-[0-9a-f]{12}(-\d+)?$", "", Path(name).stem)
    key = f"{folder}/{stem}.repaired-{file['file_id'][:12]}.csv"
    repaired = source.with_suffix(".submitted.csv")
    with repaired.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([unguarded(cell) for cell in row[: -len(NOTES)]] for row in rows if any(row))
    s3: Any = boto3.client("s3")
    origin = {"repairs-file-id": file["file_id"]}
    s3.upload_file(str(repaired), os.environ["RAW_BUCKET"], key, ExtraArgs={"Metadata": origin})
    return f"{len(rows) - 1} rows submitted as {key}"


def guarded(cell: str) -> str:
    """Keep a spreadsheet from running a cell."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """Take the guard off again."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="show the files with bad rows, newest first")
    listing.add_argument("--limit", type=int, default=20, help="how many files (default: 20)")
    listing.set_defaults(run=list_files)
    exporting = commands.add_parser("export", help="write the bad rows of a file for editing")
    exporting.add_argument("file_id", help="the file's id or its beginning")
    exporting.add_argument("--out", metavar="CSV", help="where to (default: NAME.repair.csv)")
    exporting.set_defaults(run=export)
    submitting = commands.add_parser("submit", help="send repaired rows through ingestion")
    submitting.add_argument("file_id", help="the id of the file they come from, or its beginning")
    submitting.add_argument("csv", help="the exported file, repaired; rows not to be submitted deleted")
    submitting.set_defaults(run=submit)
    return parser


@contextmanager
def _connection() -> Iterator[Any]:
    if not os.environ.get("DATABASE_URL"):
        raise QuarantineError("Missing setting DATABASE_URL: start the stack with make up, or set it.")
    engine = database.create(os.environ["DATABASE_URL"])
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _file(start: str) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9a-f]{4,64}", start):
        raise QuarantineError("A file id is at least four of its hexadecimal digits; see quarantine.py list.")
    with _connection() as connection:
        found = connection.execute(text(FIND), {"start": f"{start}%"}).mappings().all()
    if len(found) != 1:
        raise QuarantineError(f"{len(found) or 'No'} files with bad rows have an id that begins with {start}.")
    return dict(found[0])


def _header(s3: Any, file: dict[str, Any]) -> Sequence[str]:  # noqa: ANN401  boto3 clients have no static type
    """Return the columns that the bad rows have: those of the good object, or of the raw one when every row is bad."""
    if file["good_key"] is not None:
        with S3Store(s3, os.environ["GOOD_BUCKET"]).open(file["good_key"]) as stream:
            return GoodRows(stream).columns
    lines = s3.get_object(Bucket=os.environ["RAW_BUCKET"], Key=file["key"])["Body"].iter_lines()
    return split_record(next(line for line in lines if line.strip()).decode("utf-8-sig"))[0]


if __name__ == "__main__":
    sys.exit(main())
