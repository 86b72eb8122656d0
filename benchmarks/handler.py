"""The predict function's calls, its database included, beside bare statements that write the same rows."""

import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg2

from benchmarks.fixtures import binary_use_case, postgres
from benchmarks.lambda_function import FunctionProcess, gateway_event, predict_function
from benchmarks.measurement import Measurement, timed
from benchmarks.storage import bare_statement
from tabserve.serving.answers import ClassAnswers
from tabserve.serving.prediction import PredictionBatch, new_ids

# Records a call, calls a round, how often as long as the bare statement a call may take.
LOADS = ((1, 100, 4.0), (5_000, 3, 3.0))
ROUNDS = 7


def measurements() -> Iterator[Measurement]:
    """Measure in turns on a database that commits durably."""
    with postgres() as url:
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for rows, calls, limit in LOADS:
                mine, theirs = _in_turns(url, rows, calls, lambda batch: bare_statement(cursor, batch))
                name, peer = ("one record", "bare INSERT") if rows == 1 else (f"{rows} records", "bare COPY")
                yield Measurement(f"handler, {name} stored, p50", mine, "ms", limit, peer, theirs)
        connection.close()


def _in_turns(
    url: str, rows: int, calls: int, bare: Callable[[PredictionBatch], Callable[[], object]]
) -> tuple[float, float]:
    process = FunctionProcess(predict_function(url), gateway_event({"records": [binary_use_case().example] * rows}))
    mine, theirs = [], []
    try:
        process.calls(calls)
        for _ in range(ROUNDS):
            mine.append(process.calls(calls))
            theirs += [timed(bare(_batch(rows))) for _ in range(calls)]
    finally:
        process.stop()
    return statistics.median(mine), statistics.median(theirs)


def _batch(rows: int) -> PredictionBatch:
    use_case = binary_use_case()
    return PredictionBatch(
        request_id="00000000-0000-0000-0000-000000000000",
        use_case=use_case.name,
        model_version="20260101T000000Z-0a1b2c3d",
        source="api",
        created_at=datetime.now(UTC),
        ids=new_ids(datetime.now(UTC), rows),
        columns={name: [value] * rows for name, value in use_case.example.items()},
        answers=ClassAnswers(
            use_case.target.texts, use_case.target.positive_index, [[0.07593827462819375, 0.9240617253718063]] * rows
        ),
        entity_ids=[None] * rows,
    )
