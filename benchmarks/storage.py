"""Storing and reading predictions: beside bare statements that move the same rows, and among a million."""

import random
import statistics
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg2
from psycopg2.extras import Json

from benchmarks.fixtures import postgres
from benchmarks.measurement import Measurement, medians, timed
from tabserve.serving.answers import ClassAnswers
from tabserve.serving.postgres import Postgres
from tabserve.serving.prediction import HistoryQuery, PredictionBatch, new_ids
from tabserve.serving.rows import COPY_ROWS, copied, copy_text
from tabserve.serving.store import PostgresPredictions

HISTORY_LIMIT_MS = 50.0
SEED = """
INSERT INTO predictions (id, request_id, use_case, model_version, source, created_at, features, prediction,
                         probability, probabilities)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'r', 'bench', 'v' || n / 300000,
       (ARRAY['webapp', 'scheduled', 'api'])[1 + n % 3], now() - interval '5 minutes' - n * interval '1 second',
       '{"category": "male", "optional": 30.5, "number": 7.25}', (n % 2)::text, 0.5, '{"0": 0.5, "1": 0.5}'
FROM generate_series(1, 1000000) AS n
"""


def run() -> list[Measurement]:
    """Measure on an embedded PostgreSQL of its own, durable commits included."""
    with postgres() as url:
        connection = Postgres(url)
        bare = psycopg2.connect(url)
        bare.autocommit = True
        with bare.cursor() as cursor:
            entries = [
                *_writing(PostgresPredictions(connection), cursor),
                *_reading(PostgresPredictions(connection), cursor),
            ]
        bare.close()
        connection.close()
    return entries


def _writing(store: PostgresPredictions, cursor: Any) -> Iterator[Measurement]:  # noqa: ANN401
    for rows, name, repeats, limit in ((1, "bare INSERT", 500, 4), (5_000, "bare COPY", 15, 3)):
        rounds = []
        for _ in range(repeats):  # each writes rows of its own, in turn
            own, bare = partial(store.add, _batch(rows)), bare_statement(cursor, _batch(rows))
            rounds.append((timed(own), timed(bare)))
        mine, theirs = medians(rounds)
        yield Measurement(f"store {rows} prediction{'s' * (rows > 1)}", mine, "ms", limit, name, theirs)


def bare_statement(cursor: Any, batch: PredictionBatch) -> Callable[[], object]:  # noqa: ANN401  cursors have no type
    """Return the statement that writes a batch with nothing around it: an INSERT of one row, or a COPY."""
    if len(batch) == 1:
        values = {name: Json(value) if isinstance(value, dict) else value for name, value in asdict(*batch).items()}
        columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
        statement = f"INSERT INTO predictions ({columns}) VALUES ({marks})"  # noqa: S608  names of fields
        return lambda: cursor.execute(statement, [*values.values()])
    text = copied(batch)
    return lambda: copy_text(cursor, COPY_ROWS, text)


def _reading(store: PostgresPredictions, cursor: Any) -> Iterator[Measurement]:  # noqa: ANN401
    cursor.execute("TRUNCATE predictions CASCADE")
    cursor.execute(SEED)
    cursor.execute("VACUUM ANALYZE predictions")
    queries = {
        "all": HistoryQuery(limit=1000),
        "one use case": HistoryQuery(use_case="bench", limit=1000),
        "one source": HistoryQuery(use_case="bench", source="webapp", limit=1000),
        "a source without rows": HistoryQuery(use_case="bench", source="queue", limit=1000),
        "an old version": HistoryQuery(use_case="bench", model_version="v3", limit=1000),
    }
    works = {f"page of 1 000 of 1 M: {name}": partial(store.past, query) for name, query in queries.items()}
    store.families()  # which counts them
    for name, work in {**works, "metrics of 1 M predictions": store.families}.items():
        yield Measurement(name, statistics.median(timed(work) for _ in range(15)), "ms", HISTORY_LIMIT_MS)


def _batch(rows: int) -> PredictionBatch:
    random_ = random.Random(rows)  # noqa: S311  rows of a benchmark
    positive = [random_.random() for _ in range(rows)]
    return PredictionBatch(
        request_id=str(uuid.uuid4()),
        use_case="bench",
        model_version="20260101T000000Z-0a1b2c3d",
        source="api",
        created_at=datetime.now(UTC),
        ids=new_ids(datetime.now(UTC), rows),
        columns={
            "category": [random_.choice(("male", "female")) for _ in range(rows)],
            "whole": [random_.choice((1, 2, 3)) for _ in range(rows)],
            "optional": [random_.choice((None, round(random_.random() * 80, 1))) for _ in range(rows)],
            "number": [round(random_.random() * 500, 4) for _ in range(rows)],
            "letter": [random_.choice("CSQ") for _ in range(rows)],
        },
        answers=ClassAnswers(("0", "1"), 1, [[1 - p, p] for p in positive]),
        entity_ids=[None] * rows,
    )
