import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tabserve.core.csv_files import CsvRows
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import read_bad_rows
from tabserve.ingestion.validation_result import BadRow, ValidationResult
from tabserve.ingestion.validator import validate_rows
from tabserve.ingestion.validator.lines import Limits

USE_CASE = UseCase.model_validate(
    {
        "name": "orders",
        "version": 1,
        "task": "binary_classification",
        "id_column": "id",
        "missing_values": ["", "NA"],
        "features": [
            {"name": "size", "type": "category", "categories": ["small", "large"]},
            {"name": "grade", "type": "category", "categories": [1, 2], "required": False, "impute": "most_frequent"},
            {"name": "price", "type": "number", "minimum": 0, "maximum": 1000},
            {"name": "weight", "type": "number", "minimum": -5, "maximum": 5, "required": False, "impute": "median"},
            {"name": "pieces", "type": "integer", "minimum": 1, "maximum": 99},
        ],
        "ignore": ["note"],
        "target": {"name": "returned", "classes": ["no", "yes"], "positive_class": "yes"},
    }
)
HEADER = "id,size,grade,price,weight,pieces,note"
GOOD = "{id},small,1,12.5,0.5,3,fine"


@dataclass(frozen=True)
class Outcome:
    """What became of a file: the result, its good lines without their row numbers and its bad rows."""

    result: ValidationResult
    good: list[str]
    bad: list[BadRow]
    good_bytes: bytes
    bad_bytes: bytes

    @property
    def reasons(self) -> dict[int, set[tuple[str, str]]]:
        return {row.row_number: {(reason.column, reason.rule) for reason in row.reasons} for row in self.bad}

    @property
    def warnings(self) -> set[tuple[str, str]]:
        return {(issue.column, issue.rule) for issue in self.result.issues if issue.rows == 0}


Validate = Callable[..., Outcome]


def validate_bytes(
    content: bytes, use_case: UseCase = USE_CASE, chunk: int = 4 * 2**20, size: float = math.inf
) -> Outcome:
    good, bad = io.BytesIO(), io.BytesIO()
    limits = Limits(chunk=chunk, file=int(min(size, 2**30)))
    result = validate_rows(io.BytesIO(content), use_case, good, bad, limits=limits)
    rows = list(read_bad_rows(io.BytesIO(bad.getvalue())))
    lines = original(good.getvalue(), use_case.format.delimiter).decode().splitlines()
    return Outcome(result, lines, rows, good.getvalue(), bad.getvalue())


def original(good: bytes, delimiter: str = ",") -> bytes:
    """Return the header and the rows of a good object as the raw file had them, without row numbers."""
    rows, start, found = CsvRows(io.BytesIO(good), delimiter=delimiter), 0, []
    for _ in rows:
        found.append(good[start : rows.offset].partition(delimiter.encode())[2])
        start = rows.offset
    return b"".join(found)


@pytest.fixture
def validated() -> Validate:
    """Validate lines below the usual header, or whole files."""

    def validated(*lines: str, header: str = HEADER, **options: object) -> Outcome:
        content = "".join(f"{line}\n" for line in (header, *lines)).encode()
        return validate_bytes(content, **options)  # type: ignore[arg-type]

    return validated
