"""Split a dataset into raw files, inject defects, and write the truth about every row beside them."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

import command
from raw_files.split import KINDS, SplitFile, split_dataset
from tabserve.core.errors import TrainingDataError
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import Dataset
from tabserve.training.datasets import read_csv, read_dataset
from tabserve.training.validation import labelled_rows

ROOT = Path(__file__).resolve().parent.parent
TRUTH = "truth.json"


def main() -> int:
    """Split as the command line says; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    return command.ended(lambda: report(arguments, run(arguments)), "stopped; the files written so far are incomplete")


def report(arguments: argparse.Namespace, files: Sequence[SplitFile]) -> None:
    """Print what was written."""
    rows, bad = sum(file.rows_total for file in files), sum(len(file.bad) for file in files)
    kinds = len({row.kind for file in files for row in file.bad})
    print(f"{len(files)} files, {rows} rows, {bad} bad in {kinds} kinds: {arguments.out}")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"Kinds of defects: {', '.join(KINDS)}.")
    parser.add_argument("--use-case", required=True, metavar="NAME", help="the definition in use_cases/NAME.yaml")
    parser.add_argument("--files", required=True, type=_count, metavar="N", help="how many raw files")
    parser.add_argument("--errors", required=True, type=_share, metavar="RATE", help="share of bad rows, 0 to 1")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same files (0)")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help=f"an empty folder; {TRUTH} goes there too"
    )
    parser.add_argument("--data", type=Path, metavar="CSV", help="rows instead of the use case's training data")
    return parser.parse_args()


def run(arguments: argparse.Namespace) -> list[SplitFile]:
    """Write the files and the truth; return what was written."""
    use_case = catalog(read_settings()).get(arguments.use_case)
    dataset = clean_dataset(use_case, arguments.data)
    rows = len(list(dataset.rows))
    if arguments.files > rows:
        raise TrainingDataError(f"{dataset.name} has {rows} rows, too few for {arguments.files} files.")
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise TrainingDataError(f"{out} is not empty; name a new folder, so that its truth holds for all its files.")
    files = []
    pieces = split_dataset(use_case, dataset, arguments.files, arguments.errors, arguments.seed)
    for file in track(pieces, "writing", arguments.files, console=Console(stderr=True), transient=True):
        (out / file.name).write_bytes(file.content)
        file.content = b""
        files.append(file)
    truth = {"use_case": use_case.name, "seed": arguments.seed, "files": [file.truth() for file in files]}
    (out / TRUTH).write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return files


def clean_dataset(use_case: UseCase, data: Path | None) -> Dataset:
    """Read the rows to split; raise TrainingDataError unless they are good, or the truth would not be true."""
    if data is None and not use_case.training.data:
        raise TrainingDataError(f"Use case {use_case.name!r} names no training data; say which file: --data CSV.")
    dataset = read_csv(data, use_case.format) if data else read_dataset(use_case, use_case.training.data, ROOT)
    labelled_rows(use_case, dataset)
    return dataset


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
