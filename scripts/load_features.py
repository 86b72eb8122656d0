"""Load CSV files into the feature store of the running stack, as ingestion does with the good rows of a raw file.

Every row is judged by the rules of the use case; bad ones are named and left out, of rows with the same id all but the
first. What is known of an entity is as old as its row: as old as --event-time or the use case's event_time_column says,
or else as the file (its modification time), so that loading a file again changes nothing and an old file never wins
over a newer one. Exit code: 0 all rows are good, 1 some are bad, 2 nothing could be done.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

import stack_env
from tabserve.core.clock import utc_now
from tabserve.core.entities import FeatureStore
from tabserve.core.errors import FileRejectedError, TabserveError
from tabserve.core.good_rows import GoodRows
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.core.use_case import UseCase
from tabserve.features.build import feature_store
from tabserve.features.rows import NOT_A_ROW, FeatureRows
from tabserve.features.service import Tally, pieces, store_rows
from tabserve.ingestion.quarantine import printable, read_bad_rows
from tabserve.ingestion.validator import PanderaValidator

NAMED: Final = 20
ROWS_A_LINE: Final = 10_000


class LoadError(TabserveError):
    """Nothing can be loaded; say what is missing."""


@dataclass(slots=True)
class Loader:
    """Loads files of one use case."""

    use_case: UseCase
    store: FeatureStore
    time_column: str | None
    console: Console
    errors: Console
    named: int = NAMED

    def load(self, path: Path) -> bool:
        """Load one file and print what became of it; return whether all of its rows are good."""
        try:
            with tempfile.TemporaryDirectory(prefix="load-features-") as folder:
                return self._load(path, Path(folder) / "good.csv", Path(folder) / "bad.csv")
        except FileRejectedError as error:
            self.errors.print(f"{path}: rejected: {error}", markup=False)
            return False

    def _load(self, path: Path, good: Path, bad: Path) -> bool:
        with path.open("rb") as raw, good.open("wb") as good_rows, bad.open("wb") as bad_rows:
            split = PanderaValidator().split(raw, self.use_case, good_rows, bad_rows)
        self._name_bad_rows(path, bad)
        tally = Tally()
        self._store(path, good, tally)
        for row, rule in list(tally.refused.items())[: self.named]:
            column = "" if rule == NOT_A_ROW else f", column {self.time_column or self.use_case.event_time_column}"
            self.errors.print(f"{path}: row {row}{column}: {rule}", markup=False)
        count = split.rows_bad + len(tally.refused)
        self.console.print(
            f"{path}: {split.rows_total} rows: {tally.stored} stored, "
            f"{tally.older} not newer than what is stored, {count} bad",
            markup=False,
        )
        return count == 0

    def _name_bad_rows(self, path: Path, bad: Path) -> None:
        """Print the first bad rows."""
        count = 0
        with bad.open("rb") as stream:
            for count, row in enumerate(read_bad_rows(stream), start=1):
                for reason in row.reasons if count <= self.named else ():
                    where = f"{path}: line {row.line_number}{f', column {reason.column}' if reason.column else ''}"
                    self.errors.print(f"{where}: {reason.rule}: {printable(reason.value)!r}", markup=False)
        if count > self.named:
            self.errors.print(f"{path}: and {count - self.named} more bad rows", markup=False)

    def _store(self, path: Path, good: Path, tally: Tally) -> None:
        written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        hidden = not self.errors.is_terminal
        with good.open("rb") as stream, Progress(console=self.errors, transient=True, disable=hidden) as progress:
            task = progress.add_task(path.name, total=good.stat().st_size)
            rows = GoodRows(stream)
            reader = FeatureRows(self.use_case, rows.columns, written_at, utc_now(), self.time_column)
            try:
                for piece in pieces(iter(rows)):
                    store_rows(piece, reader, self.use_case, self.store, tally)
                    progress.update(task, completed=rows.offset, description=f"{path.name}: {tally.rows} rows")
                    if hidden and tally.rows % ROWS_A_LINE == 0:
                        self.errors.print(f"{path}: {tally.rows} rows so far", markup=False)
            except KeyboardInterrupt:
                self.errors.print(f"{path}: stopped after {tally.rows} good rows, {tally.stored} stored", markup=False)
                raise


def main() -> int:
    """Load as the command line says; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        return load(arguments, Console(highlight=False, soft_wrap=True), errors)
    except (TabserveError, OSError) as error:
        errors.print(f"error: {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        errors.print("stopped; start it again to store the rest")
        return 130


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="CSV", help="files as they would go to the raw bucket")
    parser.add_argument("--use-case", required=True, metavar="NAME", help="the definition in use_cases/NAME.yaml")
    parser.add_argument("--event-time", metavar="COLUMN", help="the column that says since when a row is true")
    parser.add_argument("--stack-env", type=Path, default=stack_env.STACK_ENV, help="which stack (.local/stack.env)")
    return parser.parse_args()


def load(arguments: argparse.Namespace, console: Console, errors: Console) -> int:
    """Load the files one after the other; return 1 when some of their rows are bad."""
    if not stack_env.apply(arguments.stack_env):
        raise LoadError("nothing is running; start it with make up")
    settings = read_settings()
    use_case = catalog(settings).get(arguments.use_case)
    if absent := [path for path in arguments.files if not path.is_file()]:
        raise LoadError(f"{absent[0]} is no file")
    loader = Loader(use_case, feature_store(settings), arguments.event_time, console, errors)
    good = [loader.load(path) for path in arguments.files]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
