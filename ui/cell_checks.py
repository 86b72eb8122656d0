"""Whether a cell would be good, by the simple rules of a definition: type, range, categories, format.

Ingestion has the last word; this says it while somebody types.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ui import features

NOT_AN_ID = re.compile(r"[\x00-\x1f\x7f-\x9f]|^\s|\s$|^[=@+-]")
LONGEST_ID = 200
INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
Json = Mapping[str, Any]


class CellChecks:
    """The checks of one definition, for files whose header may spell its columns otherwise."""

    def __init__(self, definition: Json) -> None:
        self._missing = list(definition["missing_values"])
        self._features = {_folded(feature["name"]): feature for feature in definition["features"]}
        self._decimal = definition["format"]["decimal"]
        self._id = _folded(definition["id_column"])

    def is_id(self, column: str) -> bool:
        """Tell whether a column has the ids, which nobody writes alike into many rows."""
        return _folded(column) == self._id

    def categories(self, column: str) -> list[str]:
        """Return the values a column may have, as files write them; none for a column of numbers or of anything."""
        return [str(category) for category in features.categories(self._features.get(_folded(column), {}))]

    def may_be_missing(self, column: str) -> bool:
        """Tell whether a cell of a column may be empty."""
        feature = self._features.get(_folded(column))
        return not feature["required"] if feature else not self.is_id(column)

    def expected(self, column: str) -> str:
        """Say what a column may hold; an empty text where anything may stand."""
        feature = self._features.get(_folded(column))
        if feature is None:
            return "an id" if self.is_id(column) else ""
        return features.expected(feature)

    def problem(self, column: str, cell: str) -> str:
        """Say what is wrong with a cell, an empty text when nothing is."""
        if self.is_id(column):
            return self._problem_of_id(column, cell)
        feature = self._features.get(_folded(column))
        if feature is None:
            return ""
        if cell in self._missing or not cell:
            allowed = cell in self._missing and not feature["required"]
            return "" if allowed else f"{column}: must be {self.expected(column)}"
        is_good = features.is_good(feature, cell, self._decimal)
        return "" if is_good else f"{column}: must be {self.expected(column)}, not “{cell}”"

    def suggestion(self, column: str, rule: str, cell: str) -> str | None:
        """Return what a cell is likely to mean; None when that is not clear or would not be good either."""
        meant = _core(cell)
        if rule == "case_variant":
            meant = next((each for each in self.categories(column) if each.lower() == meant.lower()), meant)
        elif rule == "decimal_comma":
            meant = meant.replace(".", "").replace(",", ".")
        elif rule == "decimal_point":
            meant = meant.replace(".", ",")
        elif rule == "thousands_separator":
            meant = _ungrouped(meant)
        elif rule == "non_ascii_digits":
            meant = "".join(str(int(each)) if each.isdigit() else each for each in meant)
        return meant if meant != cell and not self.problem(column, meant) else None

    def _problem_of_id(self, column: str, cell: str) -> str:
        if not cell or cell in self._missing:
            return f"{column}: must not be missing"
        usable = len(cell) <= LONGEST_ID and not NOT_AN_ID.search(cell)
        return "" if usable else f"{column}: “{cell}” is not usable as an id"


def in_header(column: str, header: Sequence[str]) -> str | None:
    """Return a column of a definition as a file's header spells it; None when it is not there."""
    return next((name for name in header if _folded(name) == _folded(column)), None)


def _ungrouped(text: str) -> str:
    """Take out the separators of thousands; a comma behind spaces is a decimal one."""
    spaceless = re.sub(r"[\s'\u2019]", "", text)
    if spaceless != text:
        return spaceless.replace(",", ".")
    return text.replace(",", "") if "," in text else text.replace(".", "")


def _core(cell: str) -> str:
    return cell.translate(INVISIBLE).strip()


def _folded(name: str) -> str:
    return _core(name).casefold()
