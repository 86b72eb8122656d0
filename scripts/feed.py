"""Upload raw files to the running stack, one per tick, as a partner would who sends files now and then."""

import argparse
import json
import random
import sys
import time
from pathlib import Path

from rich.console import Console

import command
import stack_env
from command import CommandError
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client, catalog
from tabserve.core.settings import Settings, read_settings

TRUTH = "truth.json"


def main() -> int:
    """Upload as the command line says; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    return command.ended(lambda: feed(arguments, Console(highlight=False, soft_wrap=True)))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of CSV files, as split_dataset.py writes it")
    parser.add_argument("--every", type=float, default=10, metavar="SECONDS", help="pause between two uploads (10)")
    parser.add_argument("--random", action="store_true", help="in random order, not by name")
    parser.add_argument("--use-case", metavar="NAME", help=f"what the files are; default: what {TRUTH} in DIR says")
    return parser.parse_args()


def feed(arguments: argparse.Namespace, console: Console) -> None:
    """Upload the files of a folder, pausing between them."""
    if not stack_env.apply():
        raise CommandError("nothing is running; start it with make up")
    settings = read_settings()
    files = sorted(arguments.folder.glob("*.csv*"))
    if not files:
        raise CommandError(f"{arguments.folder} holds no CSV files; make some with scripts/split_dataset.py")
    use_case = known_use_case(arguments, settings)
    if arguments.random:
        random.shuffle(files)
    settings.require("raw_bucket")
    raw = S3Store(aws_client(settings, "s3"), settings.raw_bucket)
    for number, path in enumerate(files, 1):
        if number > 1:
            time.sleep(max(0.0, arguments.every))
        raw.put(f"{use_case}/{path.name}", path.read_bytes(), "text/csv")
        console.print(f"{number}/{len(files)}  {use_case}/{path.name}")


def known_use_case(arguments: argparse.Namespace, settings: Settings) -> str:
    """Return the use case the files are of; raise CommandError or UnknownUseCaseError."""
    name = arguments.use_case
    truth = arguments.folder / TRUTH
    if name is None and truth.is_file():
        name = json.loads(truth.read_text(encoding="utf-8"))["use_case"]
    if name is None:
        raise CommandError(f"{arguments.folder} has no {TRUTH}; say what the files are: --use-case NAME")
    return catalog(settings).get(name).name


if __name__ == "__main__":
    sys.exit(main())
