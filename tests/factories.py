"""Values for tests, with everything a test does not care about filled in."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text

from tabserve.alerts.alert import Alert, alert_id
from tabserve.core.database import Database
from tabserve.core.files import Ingestion
from tabserve.core.target import Target
from tabserve.serving.answers import ClassAnswers, NumberAnswers
from tabserve.serving.prediction import BesideBatch, PredictionBatch, new_ids, row_ids

API_KEY = "a-key-for-tests-only-0123456789"  # one for all tests: a process imports the API once
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
VERSION = "20260101T000000Z-0a1b2c3d"


def alert(cause: str = "f1", **changes: Any) -> Alert:
    """A warning about bad rows."""
    name = alert_id("bad_rows", "titanic", "firing", cause)
    return replace(Alert(name, "bad_rows", "titanic", "titanic", "firing", "warning", {"share": 0.5}, NOON), **changes)


def batch(rows: int = 1, **changes: Any) -> PredictionBatch:
    """Answers to `rows` records of two features."""
    classes = changes.pop("classes", ("0", "1"))
    answers = ClassAnswers(classes, 1, changes.pop("probabilities", [[0.25, 0.75]] * rows))
    values: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "use_case": "titanic",
        "model_version": VERSION,
        "source": "api",
        "created_at": NOON,
        "ids": new_ids(changes.get("created_at", NOON), rows),
        "columns": {"Sex": ["female"] * rows, "Age": [30 + row / 10 for row in range(rows)]},
        "answers": answers,
        "entity_ids": [None] * rows,
    }
    return PredictionBatch(**values | changes)


def number_batch(values: Sequence[float], half_width: float | None = 2.5, **changes: Any) -> PredictionBatch:
    """Answers of a regression."""
    answers = NumberAnswers.of(values, half_width, Target(name="rent", minimum=0))
    return batch(len(values), **{"use_case": "rents", "answers": answers} | changes)


def file_batch(file_id: str, row_numbers: Sequence[int], **changes: Any) -> PredictionBatch:
    """Scheduled answers to rows of a file."""
    ids = row_ids(file_id, row_numbers, changes.get("model_version", VERSION))
    origin = {"source": "scheduled", "file_id": file_id, "row_numbers": row_numbers, "ids": ids}
    entities = {"entity_ids": [f"passenger-{number}" for number in row_numbers]}
    return batch(len(row_numbers), **origin | entities | changes)


def with_shadow(answered: PredictionBatch, version: str = "shadow") -> PredictionBatch:
    """What a shadow says of a batch's own rows: always the first of two classes."""
    answers = ClassAnswers(("0", "1"), 1, [[0.75, 0.25]] * len(answered.ids))
    return replace(answered, shadow=BesideBatch("shadow", version, answered.ids, answers))


def ingestion(file_id: str = "f" * 64, **changes: Any) -> Ingestion:
    """A file of ten rows, two of them bad."""
    values: dict[str, Any] = {
        "file_id": file_id,
        "bucket": "raw",
        "key": "titanic/a b.csv",
        "etag": "0123456789abcdef",
        "use_case": "titanic",
        "status": "done",
        "rows_total": 10,
        "rows_good": 8,
        "rows_bad": 2,
        "criticality": "medium",
        "contract_sha256": "c" * 64,
        "started_at": NOON,
        "finished_at": NOON,
        "good_key": f"titanic/{file_id}/a b.csv",
        "bad_key": f"titanic/{file_id}/a b.csv",
    }
    return Ingestion(**values | changes)


def rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with database.transaction() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def lambda_context(seconds: float | Callable[[], float] = 900, request_id: str = "1") -> SimpleNamespace:
    """What Lambda passes to a handler that has so much time left."""
    left = seconds if callable(seconds) else lambda: seconds
    return SimpleNamespace(
        function_name="function",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:function",
        aws_request_id=request_id,
        get_remaining_time_in_millis=lambda: left() * 1000,
    )


CONTEXT = lambda_context()


def good_object(header: str, lines: Mapping[int, str]) -> bytes:
    """Return a good object of lines by their row numbers."""
    numbered = (f"{number},{line}\n" for number, line in lines.items())
    return "".join([f"row_number,{header}\n", *numbered]).encode()


def release_of(use_case: str, version: str) -> dict[str, Any]:
    """What the API says of a use case with one version."""
    return {
        "use_case": use_case,
        "champion": version,
        "challenger": version,
        "before": None,
        "trial": None,
        "retired": False,
        "number": 1,
        "moves": [],
    }
