"""Features by type: what values they take, how files write those, and how people read them."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ui.components.markup import number

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
ANYTHING = 1.79e308  # limits beyond are none
LONGEST_CATEGORY = 200
BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
OPEN = "open"
EXAMPLES = {"date": "2026-01-31", "datetime": "2026-01-31T12:00:00"}
Json = Mapping[str, Any]


def categories(feature: Json) -> Sequence[Any]:
    """Return the values of a closed category; none of anything else."""
    found = feature.get("categories", ())
    return () if found == OPEN else found


def is_number(feature: Json) -> bool:
    """Tell whether a feature is a number."""
    return feature["type"] in ("number", "integer")


def limits(feature: Json) -> tuple[float | None, float | None]:
    """Return the lower and the upper limit of a number; None where there is none."""
    low, high = feature["minimum"], feature["maximum"]
    return (None if low < -ANYTHING else low, None if high > ANYTHING else high)


def in_words(feature: Json) -> str:
    """Return the limits of a number, and what stands for its unit; an empty text without."""
    low, high = limits(feature)
    unit = str(feature["unit"])
    if low is not None and high is not None:
        return f"{number(low)} – {number(high)} {unit}".rstrip()
    if low is not None:
        return f"from {number(low)} {unit}".rstrip()
    return f"up to {number(high)} {unit}".rstrip() if high is not None else unit


def expected(feature: Json) -> str:
    """Say what a cell of a raw file may hold."""
    kind = feature["type"]
    if closed := categories(feature):
        return f"one of {', '.join(map(str, closed))}"
    if kind == "boolean":
        return "yes or no, as true/false, yes/no, t/f or 1/0"
    if kind in EXAMPLES:
        what = "a date" if kind == "date" else "a time"
        return f"{what} written as {feature['format'] or EXAMPLES[kind]}"
    if not is_number(feature):
        return f"a text of at most {feature.get('max_length', LONGEST_CATEGORY)} characters"
    what = "a whole number" if kind == "integer" else "a number"
    low, high = limits(feature)
    if low is not None and high is not None:
        return f"{what} from {number(low)} to {number(high)}"
    if low is not None:
        return f"{what} from {number(low)} on"
    return what if high is None else f"{what} up to {number(high)}"


def value(feature: Json, cell: str, decimal: str = ".") -> Any:  # noqa: ANN401  what the API takes
    """Return what a cell of a file stands for; what stands for nothing stays text, for the API to explain."""
    kind = feature["type"]
    if kind == "category":
        return next((category for category in categories(feature) if str(category) == cell), cell)
    if kind == "boolean":
        return BOOLEANS.get(cell.lower(), cell)
    if kind in EXAMPLES:
        try:
            return iso(feature, cell)
        except ValueError:
            return cell
    if kind == "text":
        return cell
    if decimal != "." and "." in cell:
        return cell
    written = cell.replace(decimal, ".")
    if WHOLE.fullmatch(written):
        return int(written)
    return float(written) if NUMBER.fullmatch(written) else cell


def iso(feature: Json, cell: str) -> str:
    """Return a date or a time of a file in ISO 8601; raise ValueError when it is written otherwise."""
    kind: type[date] = date if feature["type"] == "date" else datetime
    if not feature["format"]:
        return kind.fromisoformat(cell).isoformat()
    found = datetime.strptime(cell, feature["format"])  # noqa: DTZ007  without offset, as the definition has it
    return found.date().isoformat() if kind is date else found.isoformat()


def is_good(feature: Json, cell: str, decimal: str = ".") -> bool:
    """Tell whether a cell that is not missing holds what it may."""
    kind = feature["type"]
    if closed := categories(feature):
        return cell in map(str, closed)
    if kind == "boolean":
        return cell.lower() in BOOLEANS
    if kind in EXAMPLES:
        try:
            iso(feature, cell)
        except ValueError:
            return False
        return True
    if not is_number(feature):
        return 0 < len(cell) <= int(feature.get("max_length", LONGEST_CATEGORY))
    if decimal != "." and "." in cell:
        return False
    written = cell.replace(decimal, ".")
    if not (INTEGER if kind == "integer" else NUMBER).fullmatch(written):
        return False
    low, high = float(feature["minimum"]), float(feature["maximum"])
    return low <= float(written) <= high


def shown(feature: Json, found: object) -> str:
    """Write a value as people read it, with its unit."""
    if found is None:
        return "not known"
    unit = f" {feature['unit']}" if feature["unit"] else ""
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, int | float):
        return f"{number(found)}{unit}"
    return f"{found}{unit}"
