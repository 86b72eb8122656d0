"""Split a CSV file that is too large for ingestion into parts, each with the header; no record is cut.

A part is judged as a file of its own, so an id that comes again in another part is not found.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tabserve.ingestion.validator.records import MAX_JOINED_LINES

MIB = 2**20


def main(arguments: list[str] | None = None) -> int:
    """Write the parts beside the file, or where it is said; print their names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, help="the file to split")
    parser.add_argument("--mib", type=int, default=500, help="how large a part may be (default: 500)")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the parts go (default: beside the file)")
    options = parser.parse_args(arguments)
    folder = options.to or options.csv.parent
    try:
        with options.csv.open("rb") as stream:
            for path in split(stream, folder / options.csv.stem, max(1, options.mib) * MIB):
                print(path)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def split(stream: BinaryIO, stem: Path, size: int) -> Iterator[Path]:
    """Write parts of about so many bytes; yield each when it is written."""
    header = stream.readline().removesuffix(b"\n") + b"\n"
    line, number = stream.readline(), 0
    while line:
        number += 1
        path = stem.with_name(f"{stem.name}-part-{number}.csv")
        with path.open("xb") as part:
            written, lines_open = part.write(header), 0
            while line and (written < size or 0 < lines_open < MAX_JOINED_LINES):
                written += part.write(line)
                # A cell may go on over several lines: it is open as long as the quotes are an odd number.
                closes = bool(line.count(b'"') % 2) == bool(lines_open)
                lines_open = 0 if closes else lines_open + 1
                line = stream.readline()
        yield path
