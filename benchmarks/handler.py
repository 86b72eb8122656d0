"""The predict function's calls, its database included, beside bare statements that write the same rows."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import psycopg2

from benchmarks.fixtures import binary_use_case, postgres
from benchmarks.lambda_function import FunctionProcess, gateway_event, predict_function
from benchmarks.measurement import Measurement
from tabserve.adapters.prediction_rows import constant, copy_text, varying
from tabserve.adapters.predictions import COPY, INSERT, ONE_ROW
from tabserve.domain.prediction import PredictionBatch

# Records a call, calls a round, how often as long as the bare statement a call may take.
LOADS = ((1, 100, 4.0), (5_000, 3, 3.0))
ROUNDS = 7


def measurements() -> Iterator[Measurement]:
    """Measure in turns on a database that commits durably."""
    with postgres() as url:
        bare = psycopg2.connect(url)
        bare.autocommit = True
        with bare.cursor() as cursor:
            for rows, calls, limit in LOADS:
                mine, theirs = _in_turns(url, rows, calls, lambda batch: _bare(cursor, batch))
                name, peer = ("one record", "bare INSERT") if rows == 1 else (f"{rows} records", "bare COPY")
                yield Measurement(f"handler, {name} stored, p50", mine, "ms", limit, peer, theirs)
        bare.close()


def _in_turns(
    url: str, rows: int, calls: int, bare: Callable[[PredictionBatch], Callable[[], object]]
) -> tuple[float, float]:
    process = FunctionProcess(predict_function(url), gateway_event({"records": [binary_use_case().example] * rows}))
    mine, theirs = [], []
    try:
        process.calls(calls)
        for _ in range(ROUNDS):
            mine.append(process.calls(calls))
            theirs += [_timed(bare(_batch(rows))) for _ in range(calls)]
    finally:
        process.stop()
    return statistics.median(mine), statistics.median(theirs)


def _bare(cursor: Any, batch: PredictionBatch) -> Callable[[], object]:  # noqa: ANN401  cursors have no common type
    if len(batch) == 1:
        values = [text or None for text in (*next(zip(*varying(batch), strict=True)), *constant(batch))]
        return lambda: cursor.execute(f"{INSERT} VALUES {ONE_ROW}", values)
    text = copy_text(batch)
    return lambda: cursor.copy_expert(COPY, StringIO(text), size=len(text))


def _batch(rows: int) -> PredictionBatch:
    use_case = binary_use_case()
    return PredictionBatch(
        request_id="00000000-0000-0000-0000-000000000000",
        use_case=use_case.name,
        model_version="20260101T000000Z-0a1b2c3d",
        source="api",
        created_at=datetime.now(UTC),
        classes=use_case.target.texts,
        positive=use_case.target.positive_index,
        columns={name: [value] * rows for name, value in use_case.example.items()},
        probabilities=[[0.07593827462819375, 0.9240617253718063]] * rows,
        entity_ids=[None] * rows,
    )


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
