"""List quarantined rows, export those of a file to be repaired, and submit the repaired ones as a new raw file.

Rows are taken apart, put together and handed in as the web page does it: read from the database, sent through the API.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

import pandas as pd

import stack_env
from ui import bad_rows, quarantine
from ui.api import ApiClient
from ui.components.raw_upload import unique
from ui.components.tables import unguarded
from ui.database import ReaderDatabase
from ui.errors import RefusedError, UiError
from ui.settings import read_settings

FILES = """
SELECT file_id, key, use_case, rows_total, rows_bad, criticality FROM ingestions
WHERE rows_bad > 0 AND file_id LIKE :start ORDER BY finished_at DESC LIMIT :limit
"""
NOTES = quarantine.NOTES


@dataclass(frozen=True)
class Commands:
    """What the command line can ask for; each returns what to print."""

    database: ReaderDatabase
    api: ApiClient

    def list_files(self, options: argparse.Namespace) -> str:
        """Return the files with bad rows, newest first."""
        lines = [
            f"{str(file['file_id'])[:12]}  {file['rows_bad']:>7} of {file['rows_total']:<8} "
            f"{file['criticality']:<7} {file['key']}"
            for file in self._files("%", options.limit)
        ]
        return "\n".join(lines) or "no file has bad rows"

    def export(self, options: argparse.Namespace) -> str:
        """Write the bad rows of a file as a CSV a spreadsheet can edit; return what was written."""
        file = self._file(options.file_id)
        target = Path(options.out or f"{PurePosixPath(file['key']).stem}.repair.csv")
        if target.exists():
            raise UiError(f"{target} exists.", "Name another file with --out.")
        definition = self.api.use_case(file["use_case"])
        header = quarantine.read_header(self.api.raw_file_start(file["file_id"]), definition)
        bad = bad_rows.read(self.database, self.api, file["file_id"], 0, int(file["rows_bad"]))
        target.write_bytes(quarantine.download(bad, header, definition))
        again = f"quarantine.py submit {file['file_id'][:12]} {target}"
        return f"{len(bad)} rows written to {target}; repair them, then: {again}"

    def submit(self, options: argparse.Namespace) -> str:
        """Hand in repaired rows as a file of their own; return its key."""
        file = self._file(options.file_id)
        rows = pd.read_csv(options.csv, dtype=str, keep_default_na=False, encoding="utf-8-sig").map(unguarded)
        if list(rows.columns[: len(NOTES)]) != NOTES or rows.empty:
            raise UiError(f"{options.csv} is not an exported file, or has no rows left.")
        definition = self.api.use_case(file["use_case"])
        header = [*map(unguarded, rows.columns[len(NOTES) :])]
        body = quarantine.as_csv(rows.rename(columns=unguarded), header, definition)
        key = self.api.submit_raw_file(
            file["use_case"], unique(f"{PurePosixPath(file['key']).stem}-repaired.csv"), body
        )
        return f"{len(rows)} rows submitted as {key}"

    def _file(self, start: str) -> dict[str, Any]:
        if not re.fullmatch(r"[0-9a-f]{4,64}", start):
            raise UiError("A file id is at least four of its hexadecimal digits.", "See quarantine.py list.")
        found = self._files(f"{start}%", 2)
        if len(found) != 1:
            raise UiError(f"{'Several' if found else 'No'} files with bad rows have an id that begins with {start}.")
        return found[0]

    def _files(self, start: str, limit: int) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.database.frame(FILES, start=start, limit=limit).to_dict("records"))


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; exit 2 with one message when that is impossible."""
    options = _parser().parse_args(arguments)
    stack_env.apply()
    settings = read_settings()
    try:
        print(options.run(Commands(ReaderDatabase(settings.database_url), ApiClient(settings)), options))
    except RefusedError as error:
        print(f"error: {error.what} {list(error.failures)}", file=sys.stderr)
    except UiError as error:
        print(f"error: {error.what} {error.advice}".strip(), file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
    else:
        return 0
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="show the files with bad rows, newest first")
    listing.add_argument("--limit", type=int, default=20, help="how many files (default: 20)")
    listing.set_defaults(run=Commands.list_files)
    exporting = commands.add_parser("export", help="write the bad rows of a file for editing")
    exporting.add_argument("file_id", help="the file's id or its beginning")
    exporting.add_argument("--out", metavar="CSV", help="where to (default: NAME.repair.csv)")
    exporting.set_defaults(run=Commands.export)
    submitting = commands.add_parser("submit", help="send repaired rows through ingestion")
    submitting.add_argument("file_id", help="the id of the file they come from, or its beginning")
    submitting.add_argument("csv", help="the exported file, repaired; rows not to be submitted deleted")
    submitting.set_defaults(run=Commands.submit)
    return parser


if __name__ == "__main__":
    sys.exit(main())
