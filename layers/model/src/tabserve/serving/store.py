"""Where predictions are kept: PostgreSQL, written in one round trip a call, or SQLite."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from psycopg2.errors import UniqueViolation
from psycopg2.extensions import cursor

from tabserve.core.errors import DatabaseUnavailableError, LeaseLostError
from tabserve.serving import history, metric_store, trial_store
from tabserve.serving.metrics import Family, RequestCount
from tabserve.serving.postgres import API_TIMEOUT_MS, Postgres
from tabserve.serving.prediction import (
    GroundTruth,
    HistoryQuery,
    Page,
    Prediction,
    PredictionBatch,
    StoredReply,
)
from tabserve.serving.rows import copy, guarded_insertion, insertion
from tabserve.serving.trial import ScoringCount

if TYPE_CHECKING:
    from tabserve.serving.sqlite_store import SqlitePredictions

MANY_ROWS = 100

# Writers of one file may write at once, a newer claim waits for them, and whoever was overtaken writes nothing.
HOLD = "SELECT 1 FROM ingestions WHERE file_id = %s AND prediction_fence <= %s FOR SHARE"
CLAIM = """INSERT INTO idempotency_keys (key, use_case, body_sha256, status, response, created_at)
    VALUES (%s, %s, %s, 200, %s, %s) ON CONFLICT DO NOTHING RETURNING 1"""
REPLY = "SELECT use_case, body_sha256, response::text, created_at FROM idempotency_keys WHERE key = %s"

GROUND_TRUTH = """
WITH asked AS (
    SELECT * FROM unnest(%(ordinals)s::integer[], %(ids)s::uuid[], %(entities)s::text[], %(actuals)s::text[])
        AS asked (ordinal, prediction_id, entity_id, actual)
), resolved AS (
    SELECT asked.ordinal, asked.actual, coalesce(named.id, latest.id) AS id
    FROM asked
    LEFT JOIN predictions AS named ON named.id = asked.prediction_id AND named.use_case = %(use_case)s
    LEFT JOIN LATERAL (
        SELECT id FROM predictions
        WHERE use_case = %(use_case)s AND entity_id = asked.entity_id
        ORDER BY created_at DESC, id DESC LIMIT 1
    ) AS latest ON asked.entity_id IS NOT NULL
), written AS (
    INSERT INTO ground_truth (prediction_id, use_case, actual, created_at)
    SELECT DISTINCT ON (id) id, %(use_case)s, actual, %(at)s FROM resolved
    WHERE id IS NOT NULL ORDER BY id, ordinal DESC
    ON CONFLICT (prediction_id) DO UPDATE SET actual = excluded.actual, created_at = excluded.created_at
        WHERE ground_truth.actual <> excluded.actual
)
SELECT id IS NOT NULL FROM resolved ORDER BY ordinal
"""


def prediction_store(
    url: str, timeout_ms: int = API_TIMEOUT_MS, role: str | None = None
) -> "PostgresPredictions | SqlitePredictions":
    """Return the store of a database, by its URL."""
    if url.startswith("sqlite"):
        from tabserve.serving.sqlite_store import SqlitePredictions

        return SqlitePredictions(url)
    return PostgresPredictions(Postgres(url, timeout_ms, role))


class PostgresPredictions:
    """Predictions in PostgreSQL; implements PredictionStore.

    Ids come with the rows, so every write can be repeated when it is unknown whether the first attempt took effect.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def add(self, *batches: PredictionBatch) -> None:
        """Store each batch wholly or not at all, small ones together; rows that are there already stay as they are."""
        if few := [batch for batch in batches if len(batch) < MANY_ROWS]:
            self._postgres.run(lambda to: to.execute(*insertion(few)))
        for batch in batches:
            if len(batch) >= MANY_ROWS:
                self._postgres.run(partial(_add_many, batch=batch))

    def add_of_file(self, batch: PredictionBatch, fence: int) -> None:
        if not self._postgres.run(lambda to: _add_guarded(to, batch, HOLD, (batch.file_id, fence))):
            raise LeaseLostError(f"there is a newer claim on file {batch.file_id}")

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        claim = (reply.key, reply.use_case, reply.body_sha256, reply.response.decode(), reply.created_at)
        if self._postgres.run(lambda to: _add_guarded(to, batch, CLAIM, claim)):
            return None
        return self.find_reply(reply.key)  # the claim waited for the commit of whoever holds the key

    def find_reply(self, key: str) -> StoredReply | None:
        for use_case, body_sha256, response, created_at in self._postgres.rows(REPLY, (key,)):
            return StoredReply(key, use_case, body_sha256, response.encode(), created_at)
        return None

    def record_ground_truth(self, use_case: str, truths: Sequence[GroundTruth], at: datetime) -> list[bool]:
        """Store ground truth, in one round trip; return for each whether its prediction exists."""
        parameters = {
            "ordinals": list(range(len(truths))),
            "ids": [truth.prediction_id for truth in truths],
            "entities": [truth.entity_id for truth in truths],
            "actuals": [truth.actual for truth in truths],
            "use_case": use_case,
            "at": at,
        }
        return [bool(found) for (found,) in self._postgres.rows(GROUND_TRUTH, parameters)]

    def past(self, query: HistoryQuery) -> Page:
        rows = self._postgres.rows(*history.statement(query))
        return history.page(query, [Prediction(*row) for row in rows])

    def families(self) -> Sequence[Family]:
        """Count everything; what no statement adds to any more is counted once."""
        self._postgres.rows(metric_store.ROLL_UP)
        return metric_store.families(self._postgres.rows)

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        metric_store.add_requests(self._postgres.rows, counts)

    def add_scoring(self, counts: Sequence[ScoringCount], minute: datetime) -> None:
        trial_store.add_scoring(self._postgres.rows, counts, minute)

    def scoring(self, use_case: str, trial: int, since: datetime) -> Sequence[ScoringCount]:
        return trial_store.scoring(self._postgres.rows, use_case, trial, since)

    def reachable(self) -> bool:
        try:
            self._postgres.rows("SELECT 1")
        except DatabaseUnavailableError:
            return False
        return True


def _add_many(to: cursor, batch: PredictionBatch) -> None:
    try:
        with to.connection if batch.canary or batch.shadow else nullcontext():  # a transaction
            copy(to, batch)
    except UniqueViolation:
        to.execute(*insertion([batch]))


def _add_guarded(to: cursor, batch: PredictionBatch, guard: str, values: Sequence[object]) -> bool:
    """Store a batch in one transaction with a statement, if that affects a row; tell whether it did."""
    if len(batch) >= MANY_ROWS:
        try:
            with to.connection:  # a transaction
                to.execute(guard, values)
                if held := to.rowcount > 0:
                    copy(to, batch)
                return held
        except UniqueViolation:
            pass
    statement, rows = guarded_insertion(batch, guard)
    to.execute(statement, (*values, *rows))
    return to.rowcount > 0
