"""The header a file has beside the one it should have."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DELIMITERS = (",", ";", "\t", "|")
LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Compared:
    """The names of both headers: those found that are expected or not, and those expected that are not found."""

    found: Sequence[str]
    expected: Sequence[str]
    delimiter: str
    optional: Sequence[str] = ()

    @property
    def missing(self) -> list[str]:
        """The expected names that the file lacks."""
        have = {_folded(name) for name in self.found}
        return [name for name in self.expected if _folded(name) not in have]

    @property
    def unknown(self) -> list[str]:
        """The file's names that are not expected: they may be there, but nothing reads them."""
        wanted = {_folded(name) for name in (*self.expected, *self.optional)}
        return [name for name in self.found if _folded(name) not in wanted]

    @property
    def repeated(self) -> list[str]:
        """The names that stand in the file more than once."""
        have = [_folded(name) for name in self.found]
        return list(dict.fromkeys(name for name in self.found if have.count(_folded(name)) > 1))


def compare(start: bytes, definition: Mapping[str, Any]) -> Compared | None:
    """Read the first line of a raw file as columns, whatever separates them; None when it is no text or has no line."""
    try:
        lines = start[:LONGEST].decode("utf-8-sig", errors="ignore" if len(start) > LONGEST else "strict").splitlines()
    except UnicodeDecodeError:
        return None
    line = next((line for line in lines if line.strip()), "")
    if not line or (not line.isprintable() and "\t" not in line):
        return None
    ids = [definition["id_column"]] if definition.get("has_ids", True) else []
    expected = [*ids, *(feature["name"] for feature in definition["features"])]
    target = [definition["target"]["name"]]
    read = [Compared(_names(line, each), expected, each, target) for each in DELIMITERS]
    return max(read, key=_matches)  # the first one, the comma, where no name is found


def _matches(compared: Compared) -> int:
    return len(compared.expected) - len(compared.missing)


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def _folded(name: str) -> str:
    return name.strip().casefold()
