"""Split a CSV file that is too large for ingestion into parts, each with the header; no record is cut.

A part is judged as a file of its own, so an id that comes again in another part is not found. Parts are compressed
and encoded as the file is: gzip and UTF-16 with its mark are recognized.
"""

import argparse
import codecs
import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from tabserve.ingestion.validator.records import MAX_JOINED_LINES

MIB = 2**20
GZIP = b"\x1f\x8b"
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BYTES = "latin-1"  # of every other encoding the bytes stay as they are: line ends and quotes are the same in all


def main(arguments: list[str] | None = None) -> int:
    """Write the parts beside the file, or where it is said; print their names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path, help="the file to split")
    parser.add_argument("--mib", type=int, default=500, help="how large a part may be, unpacked (default: 500)")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the parts go (default: beside the file)")
    options = parser.parse_args(arguments)
    folder = options.to or options.csv.parent
    name = options.csv.name.removesuffix(".gz").removesuffix(".csv")
    try:
        with options.csv.open("rb") as stream:
            for path in split(stream, folder / name, max(1, options.mib) * MIB):
                print(path)
    except (OSError, EOFError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def split(stream: BinaryIO, stem: Path, size: int) -> Iterator[Path]:
    """Write parts of about so many bytes; yield each when it is written."""
    packed = _begins_with(stream, GZIP)
    content = io.BufferedReader(gzip.GzipFile(fileobj=stream)) if packed else stream
    encoding = "utf-16" if _begins_with(content, *UTF16) else BYTES
    width = 1 if encoding == BYTES else 2
    with io.TextIOWrapper(content, encoding, newline="\n") as lines:
        header = lines.readline().removesuffix("\n") + "\n"
        line, number = lines.readline(), 0
        while line:
            number += 1
            path = stem.with_name(f"{stem.name}-part-{number}.csv{'.gz' if packed else ''}")
            with _created(path, encoding, packed) as part:
                written, lines_open = part.write(header), 0
                while line and (written * width < size or 0 < lines_open < MAX_JOINED_LINES):
                    written += part.write(line)
                    # A cell may go on over several lines: it is open as long as the quotes are an odd number.
                    closes = bool(line.count('"') % 2) == bool(lines_open)
                    lines_open = 0 if closes else lines_open + 1
                    line = lines.readline()
            yield path


def _begins_with(stream: BinaryIO, *marks: bytes) -> bool:
    return stream.peek(2)[:2] in marks  # type: ignore[attr-defined]  # both kinds are buffered


def _created(path: Path, encoding: str, packed: bool) -> TextIO:
    opened = gzip.open if packed else open
    return opened(path, "xt", encoding=encoding, newline="")


if __name__ == "__main__":
    sys.exit(main())
