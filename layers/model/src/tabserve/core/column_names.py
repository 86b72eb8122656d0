"""When two column names are the same: the one way to compare them, for raw files, good files and definitions."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

INVISIBLE = "Cf"


def folded(name: str) -> str:
    """Return a name as it is compared: without case, invisible characters and outer white space, inner one a space."""
    visible = "".join(character for character in name if unicodedata.category(character) != INVISIBLE)
    return " ".join(visible.split()).casefold()


def places(header: Sequence[str]) -> dict[str, int]:
    """Return where each column stands, by its folded name."""
    return {folded(name): place for place, name in enumerate(header)}


def alike(names: Sequence[str]) -> list[str]:
    """Return the names that fold like another one, sorted; those that fold to nothing are no names."""
    counts = Counter(map(folded, names))
    return sorted({name for name in names if folded(name) and counts[folded(name)] > 1})
