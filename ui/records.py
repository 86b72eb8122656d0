"""CSV files as records for the API."""

import csv
import gzip
import io
import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from ui import csv_tables, features
from ui.errors import UiError

WRONG = "no such value"
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Upload:
    """The rows of a CSV file, as text, and what was noticed about it."""

    rows: Sequence[Mapping[str, str]]
    unused: Sequence[str]
    read_as: str = ""
    decimal: str = "."


def read_csv(file: BinaryIO, definition: Json, most: int | None = None) -> Upload:
    """Read a file of at most `most` rows; raise UiError with what is wrong with it as a whole."""
    names = [feature["name"] for feature in definition["features"]]
    table = csv_tables.read(file, names, most, definition["format"]["encoding"])
    _require_columns(table.header, names)
    if not table.rows:
        raise UiError("The file has a header but no rows.", "Add at least one row.")
    decimal = definition["format"]["decimal"]
    numbers = [feature["name"] for feature in definition["features"] if features.is_number(feature)]
    rows, with_commas = csv_tables.with_decimal_points(table.rows, numbers) if decimal == "." else (table.rows, True)
    noticed = [table.separated, "with decimal comma"] if with_commas else [table.separated]
    unused = [name for name in table.header if name not in {*names, definition["id_column"]}]
    return Upload(rows, unused, ", ".join(filter(None, noticed)), decimal)


def records(upload: Upload, definition: Json) -> Iterator[dict[str, Any]]:
    """Return each row as a record for the API; what is no valid value stays text, for the API to explain."""
    missing = {"", *definition["missing_values"]}
    for row in upload.rows:
        record = {
            feature["name"]: _value(feature, row[feature["name"]], missing, upload.decimal)
            for feature in definition["features"]
        }
        if (entity := (row.get(definition["id_column"]) or "").strip()) not in missing:
            record["entity_id"] = entity
        yield record


def example_csv(definition: Json) -> bytes:
    """Make a small file to try: good rows, and one that breaks a rule in every feature."""
    example, dialect = definition["example"], definition["format"]
    names = [feature["name"] for feature in definition["features"]]
    decimal = dialect["decimal"]
    good = [[_varied(feature, example, step, decimal) for feature in definition["features"]] for step in range(5)]
    output = io.StringIO(newline="")
    writer = csv.writer(output, delimiter=dialect["delimiter"])
    has_ids = definition.get("has_ids", True)
    writer.writerow([*([definition["id_column"]] if has_ids else []), *names])
    for row_number, row in enumerate([*good, [WRONG] * len(names)], start=1):
        writer.writerow([*([row_number] if has_ids else []), *row])
    return in_dialect(definition, output.getvalue())


def in_dialect(definition: Json, text: str) -> bytes:
    """Return the bytes of a raw file, encoded and compressed as the use case's files are."""
    body = text.encode(definition["format"]["encoding"], errors="replace")
    return gzip.compress(body, mtime=0) if definition["format"]["compression"] == "gzip" else body


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


def _value(feature: Json, text: str | None, missing: Set[str], decimal: str) -> Any:  # noqa: ANN401
    text = (text or "").strip()
    return None if text in missing else features.value(feature, text, decimal)


def _varied(feature: Json, example: Json, step: int, decimal: str) -> Any:  # noqa: ANN401
    value = example.get(feature["name"])
    if feature["type"] == "boolean":
        return ("yes", "no")[step % 2]
    if feature["type"] in features.EXAMPLES:
        return _date(feature, step)
    if categories := features.categories(feature):
        start = categories.index(value) if value in categories else 0
        return categories[(start + step) % len(categories)]
    if not features.is_number(feature):
        return value or f"text {step + 1}"
    return str(_number(feature, value, step)).replace(".", decimal)


def _date(feature: Json, step: int) -> str:
    moment = datetime(2026, 1, 31 - step, 12)  # noqa: DTZ001  as a clock shows it
    if feature["format"]:
        return moment.strftime(feature["format"])
    return moment.date().isoformat() if feature["type"] == "date" else moment.isoformat()


def _number(feature: Json, value: float | None, step: int) -> float:
    low, high = features.limits(feature)
    low, high = feature.get("usual") or (low, high)
    lowest = low if low is not None else 0.0 if high is None else high - 100
    highest = high if high is not None else lowest + 100
    base = lowest + (highest - lowest) / 4 if value is None else value
    varied = min(highest, max(lowest, base * (1 + step / 4)))
    if feature["type"] == "integer":
        return min(math.floor(highest), max(math.ceil(lowest), round(varied)))
    short = float(f"{varied:.4g}")
    return short if lowest <= short <= highest else varied
