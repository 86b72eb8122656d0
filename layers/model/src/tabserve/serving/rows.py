"""Batches as statements of PostgreSQL.

A row is written in one of two ways. A few rows go as one JSON text that the server reads by the names of the columns;
it leaves stored rows as they are, and can be bound to another statement. Many go by COPY, which takes two round trips
and half the time, and knows no ON CONFLICT: a batch that meets a stored row is written as a few are.

What a challenger says beside an answer is written with it, in the same statement or transaction, and only with it: a
row of a file that has a prediction already keeps that one, and nothing is said beside it. Other rows have new ids: one
that is there was written by an attempt before, with what was said beside it.
"""

from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import chain, repeat

import orjson
from psycopg2.extensions import cursor

from tabserve.serving import history
from tabserve.serving.answers import SEPARATOR, objects
from tabserve.serving.prediction import BesideBatch, PredictionBatch

ANSWER = "prediction, probability, probabilities, value, low, high"
BESIDE = f"use_case, created_at, model_version, role, prediction_id, {ANSWER}"

# ruff: noqa: S608  the statements are made of constants
ROWS = f"SELECT {history.COLUMNS} FROM json_populate_recordset(NULL::predictions, %s)"
WRITE = f"INSERT INTO predictions ({history.COLUMNS}) {ROWS}"
UNLESS_THERE = "ON CONFLICT DO NOTHING"
SAY = f"""INSERT INTO challenger_predictions ({BESIDE})
    SELECT {BESIDE} FROM json_populate_recordset(NULL::challenger_predictions, %s)"""
SAY_BESIDE = f"{SAY} JOIN written ON written.id = prediction_id"
INSERT = f"{WRITE} {UNLESS_THERE}"
INSERT_BOTH = f"WITH written AS ({INSERT}) {SAY} {UNLESS_THERE}"
GUARDED = f"{WRITE} WHERE EXISTS (SELECT FROM guard) {UNLESS_THERE}"
GUARDED_INSERT = f"WITH guard AS ({{guard}}), written AS ({GUARDED}) SELECT FROM guard"
GUARDED_INSERT_BOTH = f"""WITH guard AS ({{guard}}), written AS ({GUARDED} RETURNING id), beside AS ({SAY_BESIDE})
    SELECT FROM guard"""
COPY = "COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv, DELIMITER E'\\x1f', QUOTE E'\\x02')"
COPY_ROWS = COPY.format(table="predictions", columns=history.COLUMNS)
COPY_BESIDE = COPY.format(table="challenger_predictions", columns=BESIDE)


def insertion(batches: Sequence[PredictionBatch]) -> tuple[str, Sequence[str]]:
    """Return the statement that writes batches, and its parameters."""
    rows = _json(chain(*batches))
    beside = [each for batch in batches for each in batch.beside()]
    return (INSERT_BOTH, (rows, _json(beside))) if beside else (INSERT, (rows,))


def guarded_insertion(batch: PredictionBatch, guard: str) -> tuple[str, Sequence[str]]:
    """Return the statement that writes a batch if `guard` affects a row, and its parameters after the guard's."""
    if batch.shadow:
        return GUARDED_INSERT_BOTH.format(guard=guard), (_json(batch), _json(batch.beside()))
    return GUARDED_INSERT.format(guard=guard), (_json(batch),)


def copy(to: cursor, batch: PredictionBatch) -> None:
    """Write a batch by COPY: in the transaction there is, or, of one version, in its own."""
    for part in batch.parts:
        copy_text(to, COPY_ROWS, copied(part))
    if batch.shadow:
        copy_text(to, COPY_BESIDE, copied_beside(batch, batch.shadow))


def copy_text(to: cursor, statement: str, text: str) -> None:
    """Write rows as they were copied."""
    to.copy_expert(statement, StringIO(text), size=len(text))


def copied(batch: PredictionBatch) -> str:
    """Return a batch's own rows as COPY reads them.

    Nothing needs quotes or escapes: no value has a control character, since JSON escapes them and the rules refuse
    them in ids and classes. Looking for them, as the csv module does, would take 20 ms for 5 000 rows.
    """
    request = (batch.request_id, batch.use_case, batch.model_version, batch.source, batch.created_at.isoformat())
    rows = zip(
        batch.ids,
        repeat(SEPARATOR.join(request)),
        objects(batch.columns, zip(*batch.columns.values(), strict=True)),
        batch.answers.copied(),
        [entity_id or "" for entity_id in batch.entity_ids],
        repeat(batch.file_id or ""),
        repeat("") if batch.row_numbers is None else map(str, batch.row_numbers),
        repeat(batch.role),
    )
    return "\n".join(map(SEPARATOR.join, rows))


def copied_beside(batch: PredictionBatch, shadow: BesideBatch) -> str:
    """Return what a challenger says beside a batch as COPY reads it."""
    said = SEPARATOR.join((batch.use_case, batch.created_at.isoformat(), shadow.model_version, shadow.role))
    return "\n".join(map(SEPARATOR.join, zip(repeat(said), shadow.ids, shadow.answers.copied(), strict=False)))


def _json(rows: Iterable[object]) -> str:
    return orjson.dumps(list(rows)).decode()
