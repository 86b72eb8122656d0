"""CSV files as records for the API."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, BinaryIO

from ui import csv_tables
from ui.errors import UiError

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
WRONG = "no such value"
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Upload:
    """The rows of a CSV file, as text, and what was noticed about it."""

    rows: Sequence[Mapping[str, str]]
    unused: Sequence[str]
    read_as: str = ""


def read_csv(file: BinaryIO, definition: Json, most: int | None = None) -> Upload:
    """Read a file of at most `most` rows; raise UiError with what is wrong with it as a whole."""
    names = [feature["name"] for feature in definition["features"]]
    table = csv_tables.read(file, names, most)
    _require_columns(table.header, names)
    if not table.rows:
        raise UiError("The file has a header but no rows.", "Add at least one row.")
    numbers = [feature["name"] for feature in definition["features"] if feature["type"] != "category"]
    rows, with_commas = csv_tables.with_decimal_points(table.rows, numbers)
    noticed = [table.separated, "with decimal comma"] if with_commas else [table.separated]
    unused = [name for name in table.header if name not in {*names, definition["id_column"]}]
    return Upload(rows, unused, ", ".join(filter(None, noticed)))


def records(upload: Upload, definition: Json) -> Iterator[dict[str, Any]]:
    """Return each row as a record for the API; what is no valid value stays text, for the API to explain."""
    missing = {"", *definition["missing_values"]}
    for row in upload.rows:
        record = {feature["name"]: _value(feature, row[feature["name"]], missing) for feature in definition["features"]}
        if (entity := (row.get(definition["id_column"]) or "").strip()) not in missing:
            record["entity_id"] = entity
        yield record


def example_csv(definition: Json) -> bytes:
    """Make a small file to try: good rows, and one that breaks a rule in every feature."""
    features, example = definition["features"], definition["example"]
    names = [feature["name"] for feature in features]
    good = [[_varied(feature, example, step) for feature in features] for step in range(5)]
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    writer.writerow([definition["id_column"], *names])
    writer.writerows([row_number, *row] for row_number, row in enumerate([*good, [WRONG] * len(names)], start=1))
    return output.getvalue().encode()


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut a sequence into pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _require_columns(header: Sequence[str], names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in header]:
        raise UiError(
            f"The file lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            f"Its first line must name {', '.join(names)}; the example file shows how.",
        )
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise UiError(f"The column {repeated[0]} stands twice in the first line.", "Remove one of them.")


def _value(feature: Json, text: str | None, missing: Set[str]) -> Any:  # noqa: ANN401
    text = (text or "").strip()
    if text in missing:
        return None
    if feature["type"] == "category":
        return next((category for category in feature["categories"] if str(category) == text), text)
    if WHOLE.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text


def _varied(feature: Json, example: Json, step: int) -> Any:  # noqa: ANN401
    value = example.get(feature["name"])
    if feature["type"] == "category":
        categories = feature["categories"]
        start = categories.index(value) if value in categories else 0
        return categories[(start + step) % len(categories)]
    low, high = feature["minimum"], feature["maximum"]
    base = low + (high - low) / 4 if value is None else value
    varied = min(high, max(low, base * (1 + step / 4)))
    if feature["type"] == "integer":
        return min(math.floor(high), max(math.ceil(low), round(varied)))
    short = float(f"{varied:.4g}")
    return short if low <= short <= high else varied
