"""The dialects of CSV that tests go through: what is written with commas and points, in each of them."""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tabserve.core.limits import FileFormat
from tabserve.core.use_case import UseCase
from tabserve.ingestion.structure import split_record, write_record

SWAPPED = str.maketrans(".,", ",.")


@dataclass(frozen=True)
class Dialect:
    """How files are written."""

    format: FileFormat

    def of(self, use_case: UseCase) -> UseCase:
        """Return a use case whose files are written so."""
        return use_case.model_copy(update={"format": self.format})

    def line(self, text: str, numbers: Iterable[int] = ()) -> str:
        """Write a line: cells at the places of `numbers` with the decimal sign, others with a delimiter for a comma."""
        if self.format == FileFormat():
            return text
        delimiter = self.format.delimiter
        cells, problems = split_record(text, ",")
        if problems:
            return text.replace(",", delimiter)
        for place, cell in enumerate(cells):
            if place not in set(numbers):
                cells[place] = cell.replace(",", delimiter)
            elif self.format.decimal == ",":
                cells[place] = cell.translate(SWAPPED)
        return write_record(cells, delimiter)

    def rule(self, name: str) -> str:
        """Return the rule that corresponds to one of the usual dialect."""
        other = {"decimal_comma": "decimal_point"} if self.format.decimal == "," else {}
        return (other | ({} if self.format.is_utf8 else {"not_utf8": "not_in_encoding"})).get(name, name)

    def encoded(self, text: str) -> bytes:
        """Return the bytes of a file."""
        return self.packed(text.encode(self.format.encoding))

    def packed(self, content: bytes) -> bytes:
        """Return bytes as a file has them."""
        return gzip.compress(content, mtime=0) if self.format.compression == "gzip" else content

    def knows(self, text: str) -> bool:
        """Tell whether the encoding has all characters of a text."""
        return text.encode(self.format.encoding, "replace").decode(self.format.encoding) == text


def _dialect(**changes: Any) -> Dialect:
    return Dialect(FileFormat(**changes))


DIALECTS = {
    "comma": _dialect(),
    "semicolon, decimal comma, latin-1": _dialect(delimiter=";", decimal=",", encoding="latin-1"),
    "semicolon, decimal comma": _dialect(delimiter=";", decimal=","),
    "tab, gzip": _dialect(delimiter="\t", compression="gzip"),
    "bar, utf-16": _dialect(delimiter="|", encoding="utf-16"),
    "bar, cp1252, gzip": _dialect(delimiter="|", encoding="cp1252", compression="gzip"),
    "tab, decimal comma, utf-16": _dialect(delimiter="\t", decimal=",", encoding="utf-16-le"),
}
