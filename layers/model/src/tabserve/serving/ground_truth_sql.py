"""The SQL that stores what really happened, in one round trip on PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from psycopg2.extensions import cursor

from tabserve.serving.prediction import GroundTruth

RECORD = """
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


def record(to: cursor, use_case: str, truths: Sequence[GroundTruth], at: datetime) -> list[bool]:
    """Store ground truth, the last one of a prediction; return for each whether its prediction exists."""
    parameters = {
        "ordinals": list(range(len(truths))),
        "ids": [truth.prediction_id for truth in truths],
        "entities": [truth.entity_id for truth in truths],
        "actuals": [truth.actual for truth in truths],
        "use_case": use_case,
        "at": at,
    }
    to.execute(RECORD, parameters)
    return [bool(found) for (found,) in to.fetchall()]
