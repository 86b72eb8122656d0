"""Draft the definition of a use case from a CSV file: look at its columns, write what they were taken for."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import command
from command import CommandError
from stack_env import ROOT
from tabserve.core.catalog import load_use_case
from tabserve.core.errors import DraftError, UseCaseError
from tabserve.core.settings import read_settings
from tabserve.drafting.draft import Draft, definition_path, draft, slug
from tabserve.drafting.table import SomeTable, read_table

WIDE = 40  # columns, of which a table on the screen shows no more
SHOWN = 40  # characters of the first values of a column


def main() -> int:
    """Write a draft; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    return command.ended(lambda: run(arguments, Console(highlight=False)), "stopped; nothing was written")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="CSV", help="a table with names in its first line, in any dialect")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument("--id", metavar="COLUMN", help="the column that identifies a row; without it one is looked for")
    parser.add_argument("--name", metavar="NAME", help="of the use case; default: like the file")
    parser.add_argument("--force", action="store_true", help="write over a definition that is there")
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    """Look at the table, write the definition and say what comes next."""
    if arguments.data is None:
        raise CommandError("Say which table: make new DATA=my.csv TARGET=column, and NAME=… and ID=… if you like.")
    data = arguments.data.expanduser().resolve()
    with console.status(f"looking at {data.name}"):
        table = read_table(data)
        columns = [column for column in table.cells.columns if not column.startswith("\0")]
        if arguments.target is None:
            raise CommandError(f"Say which column to predict: TARGET=…; {data.name} has {', '.join(columns)}.")
        name = arguments.name or slug(data.name.removesuffix(".gz").rpartition(".")[0] or data.stem)
        path = definition_path(read_settings().use_cases_dir, name)
        if path.exists() and not arguments.force:
            raise CommandError(
                f"{shown(path)} is there; name another use case with NAME=…, or say FORCE=1 to replace it."
            )
        found = draft(table, name, shown(data), arguments.target, arguments.id)
    write(path, found)
    report(console, table, found)
    console.print(f"\nwritten: {shown(path)}", soft_wrap=True)
    console.print("Read it, correct what was guessed wrong, then:")
    console.print(f"  make train USE_CASE={found.name}", style="bold", soft_wrap=True)


def write(path: Path, found: Draft) -> None:
    """Write a definition that can be read again; leave nothing behind where it cannot."""
    temporary = path.with_name(f"{path.stem}.yaml")
    before = path.read_bytes() if path.exists() else None
    try:
        temporary.write_text(found.text, "utf-8")
        load_use_case(path)
    except UseCaseError as error:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(before)
        raise DraftError(f"The table cannot be described: {error}") from error


def report(console: Console, table: SomeTable, found: Draft) -> None:
    """Show what each column was taken for beside its first five values."""
    form = ", ".join(f"{key} {value!r}" for key, value in table.format.model_dump(exclude_defaults=True).items())
    size = f"{len(table.cells):,} rows, {len(found.examples)} columns"
    console.print(f"{table.path.name}: {size}; {form or 'commas, points, UTF-8'}", soft_wrap=True)
    shows = Table("column", "is taken for", "because", "missing")
    shows.add_column("first five values", no_wrap=True, overflow="ellipsis", max_width=SHOWN)
    for each in found.guesses[:WIDE]:
        kind = "the id" if each.name == found.id_column else _kind(each.settings) or "[yellow]left out[/]"
        because = "; ".join(filter(None, (each.seen, each.doubt)))
        missing = f"{each.missing:.1%}" if each.missing else ""
        shows.add_row(escape(each.name), kind, escape(because), missing, escape(_values(found.examples[each.name])))
    if len(found.guesses) > WIDE:
        shows.add_row(f"and {len(found.guesses) - WIDE} more", "", "", "", "")
    target = str(found.target.settings["name"])
    task = found.target.task.replace("_", " ")
    seen = escape("; ".join(filter(None, (found.target.seen, found.target.doubt))))
    shows.add_row(
        f"[bold]{escape(target)}[/]", f"[bold]target[/] ({task})", seen, "", escape(_values(found.examples[target]))
    )
    console.print(shows)
    for note in found.notes:
        console.print(f"note: {note}", style="yellow", soft_wrap=True, markup=False)


def _kind(settings: object) -> str:
    if not isinstance(settings, dict):
        return ""
    kind = str(settings["type"])
    if settings.get("categories") == "open":
        return "open category"
    return f"{kind} ({settings['format']})" if settings.get("format") else kind


def _values(cells: object) -> str:
    texts = [str(cell) for cell in cells] if isinstance(cells, list) else []
    return " | ".join(text if len(text) <= 20 else f"{text[:19]}…" for text in texts)


def shown(path: Path) -> str:
    """Return a path as seen from the project, where it is inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main())
