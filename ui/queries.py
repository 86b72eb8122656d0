"""What the page reads from the database; every query names its bounds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from ui.database import ReaderDatabase
from ui.numbers import is_regression

BAD_ROWS_STORED = 10_000  # of a file; a test holds it equal to what ingestion stores
FLOW = """
WITH files AS (
       SELECT * FROM ingestions WHERE CAST(:use_case AS text) IS NULL OR use_case = :use_case OR use_case IS NULL),
     lately AS (SELECT * FROM files WHERE finished_at >= now() - interval '24 hours'),
     counted AS (
       SELECT source, predictions FROM prediction_totals
       WHERE CAST(:use_case AS text) IS NULL OR use_case = :use_case
       UNION ALL
       SELECT source, count(*) FROM predictions
       WHERE created_at >= (SELECT until FROM rollups WHERE name = 'predictions')
         AND (CAST(:use_case AS text) IS NULL OR use_case = :use_case)
       GROUP BY 1)
SELECT (SELECT count(*) FROM files) AS files,
       (SELECT count(*) FROM files WHERE status <> 'done') AS files_refused,
       (SELECT coalesce(sum(rows_total), 0) FROM files) AS rows_total,
       (SELECT coalesce(sum(rows_good), 0) FROM files) AS rows_good,
       (SELECT coalesce(sum(rows_bad), 0) FROM files) AS rows_bad,
       (SELECT coalesce(sum(predictions), 0) FROM counted) AS predictions,
       (SELECT coalesce(sum(predictions), 0) FROM counted WHERE source = 'scheduled') AS predictions_scheduled,
       (SELECT count(*) FROM ground_truth
        WHERE CAST(:use_case AS text) IS NULL OR use_case = :use_case) AS outcomes,
       (SELECT max(finished_at) FROM files) AS last_file,
       (SELECT coalesce(sum(rows_total), 0) FROM lately) AS lately_total,
       (SELECT coalesce(sum(rows_bad), 0) FROM lately) AS lately_bad,
       (SELECT count(*) FROM lately WHERE status <> 'done') AS lately_refused
"""
UNACCOUNTED = """
WITH files AS (
       SELECT * FROM ingestions WHERE CAST(:use_case AS text) IS NULL OR use_case = :use_case OR use_case IS NULL),
     stored AS (
       SELECT file_id, count(*) AS rows FROM predictions
       WHERE source = 'scheduled' AND (CAST(:use_case AS text) IS NULL OR use_case = :use_case) GROUP BY 1),
     kept AS (SELECT file_id, count(*) AS rows FROM bad_rows JOIN files USING (file_id) GROUP BY 1)
SELECT count(*) FILTER (WHERE i.rows_total <> i.rows_good + i.rows_bad) AS split,
       count(*) FILTER (WHERE i.status = 'done' AND least(i.rows_bad, :stored) <> coalesce(k.rows, 0)) AS kept,
       count(*) FILTER (WHERE i.predicted_at IS NOT NULL AND i.rows_good <> coalesce(s.rows, 0)) AS predicted
FROM files i LEFT JOIN stored s USING (file_id) LEFT JOIN kept k USING (file_id)
"""
FILE_COLUMNS = """
SELECT file_id, key, use_case, status, criticality, rows_total, rows_good, rows_bad, report_key, finished_at,
       predicted_at, error, prediction_error
FROM ingestions
"""
FILE = f"{FILE_COLUMNS} WHERE file_id = :file_id"
LISTED = """
WHERE (CAST(:use_case AS text) IS NULL OR use_case = :use_case OR use_case IS NULL)
  AND (CAST(:criticality AS text) IS NULL OR criticality = :criticality)
  AND (CAST(:name AS text) IS NULL OR strpos(lower(key), lower(:name)) > 0)
"""
FILE_COUNT = f"SELECT count(*) AS files FROM ingestions {LISTED}"  # noqa: S608  both are texts of this module
FILES = f"""{FILE_COLUMNS} {LISTED}
ORDER BY finished_at DESC, file_id
LIMIT :limit OFFSET :offset
"""
ISSUES = "SELECT column_name, rule, rows FROM data_quality_issues WHERE file_id = :file_id ORDER BY rows DESC, 1, 2"
BAD_ROWS = """
SELECT row_number, line_number, raw, reasons FROM bad_rows
WHERE file_id = :file_id ORDER BY row_number LIMIT :limit OFFSET :offset
"""
RUNS = """
SELECT finished_at, status, files, rows FROM prediction_runs
ORDER BY started_at DESC LIMIT :limit
"""
OVER_TIME = """
SELECT date_bin(CAST(:step AS interval), {time}, TIMESTAMPTZ '2000-01-01') AS time, {series}, count(*) AS rows
FROM {table}
WHERE (CAST(:use_case AS text) IS NULL OR use_case = :use_case) AND {time} >= :start AND {time} < :end {more}
GROUP BY 1, 2 ORDER BY 1, 2
"""
CHOSEN = """
  AND (CAST(:source AS text) IS NULL OR source = :source)
  AND (CAST(:model_version AS text) IS NULL OR model_version = :model_version)
  AND (CAST(:prediction AS text) IS NULL OR prediction = :prediction)
"""
SPREAD = """
       percentile_cont(0.1) WITHIN GROUP (ORDER BY value) AS low,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS middle,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY value) AS high
"""
NUMBERS_OVER_TIME = f"""
SELECT date_bin(CAST(:step AS interval), created_at, TIMESTAMPTZ '2000-01-01') AS time, count(*) AS rows, {SPREAD}
FROM predictions
WHERE use_case = :use_case AND created_at >= :start AND created_at < :end AND value IS NOT NULL {CHOSEN}
GROUP BY 1 ORDER BY 1
"""  # noqa: S608  both are texts of this module
LATELY_NUMBERS = f"""
SELECT model_version, count(*) AS rows, max(created_at) AS last, {SPREAD}
FROM predictions
WHERE use_case = :use_case AND created_at >= now() - interval '24 hours' AND value IS NOT NULL
GROUP BY 1 ORDER BY 1 DESC
"""  # noqa: S608  of this module, too
CLASSES_OVER_TIME = OVER_TIME.format(table="predictions", time="created_at", series="prediction", more=CHOSEN)
SOURCES_OVER_TIME = OVER_TIME.format(table="predictions", time="created_at", series="source", more="")
FILES_OVER_TIME = OVER_TIME.format(table="ingestions", time="finished_at", series="criticality", more="")
LATELY = """
SELECT model_version, prediction, count(*) AS rows, max(created_at) AS last
FROM predictions
WHERE use_case = :use_case AND created_at >= now() - interval '24 hours'
GROUP BY 1, 2 ORDER BY 1 DESC, 2
"""
OUTCOMES_OF_PREDICTIONS = """
SELECT p.id, g.actual, FALSE AS several
FROM predictions p LEFT JOIN ground_truth g ON g.prediction_id = p.id
WHERE p.use_case = :use_case AND p.id = ANY(CAST(:ids AS uuid[]))
"""
OUTCOMES_OF_ENTITIES = """
SELECT asked.id, g.actual, latest.several
FROM unnest(CAST(:ids AS text[])) AS asked (id)
CROSS JOIN LATERAL (
       SELECT p.id, lead(p.id) OVER (ORDER BY p.created_at DESC, p.id DESC) IS NOT NULL AS several
       FROM (SELECT id, created_at FROM predictions
             WHERE use_case = :use_case AND entity_id = asked.id
             ORDER BY created_at DESC, id DESC LIMIT 2) p
       ORDER BY p.created_at DESC, p.id DESC LIMIT 1) AS latest
LEFT JOIN ground_truth g ON g.prediction_id = latest.id
"""
ACTUALS = "SELECT prediction_id, actual FROM ground_truth WHERE CAST(prediction_id AS text) = ANY(:ids)"


def files(
    database: ReaderDatabase,
    limit: int,
    offset: int = 0,
    *,
    use_case: str | None = None,
    criticality: str | None = None,
    name: str | None = None,
) -> pd.DataFrame:
    """Return files with their validation results, newest first."""
    chosen = {"use_case": use_case, "criticality": criticality, "name": name or None}
    return database.frame(FILES, **chosen, limit=limit, offset=offset)


def actuals(database: ReaderDatabase, ids: list[str]) -> dict[str, str]:
    """Return the known ground truth by prediction id."""
    found = database.frame(ACTUALS, ids=ids)
    return dict(zip(found["prediction_id"].astype(str), found["actual"].astype(str), strict=True))


def outcomes_of_predictions(
    database: ReaderDatabase, use_case: str, ids: list[str]
) -> dict[str, tuple[str | None, bool]]:
    """Return for each known prediction its stored outcome, and False."""
    return _outcomes(database.frame(OUTCOMES_OF_PREDICTIONS, use_case=use_case, ids=ids))


def outcomes_of_entities(database: ReaderDatabase, use_case: str, ids: list[str]) -> dict[str, tuple[str | None, bool]]:
    """Return for each known entity the stored outcome of its latest prediction, and whether it has several."""
    return _outcomes(database.frame(OUTCOMES_OF_ENTITIES, use_case=use_case, ids=ids))


def predictions_over_time(definition: Mapping[str, Any]) -> str:
    """Return the query for what a use case predicted: classes counted, or where numbers lie."""
    return NUMBERS_OVER_TIME if is_regression(definition) else CLASSES_OVER_TIME


def _outcomes(found: pd.DataFrame) -> dict[str, tuple[str | None, bool]]:
    rows = zip(found["id"], found["actual"], found["several"], strict=True)
    return {str(id_): (None if pd.isna(actual) else str(actual), bool(several)) for id_, actual, several in rows}


def steps(start: datetime, end: datetime) -> dict[str, Any]:
    """Return the bounds of a query over time: where it begins and ends, and how wide its steps are."""
    return {"start": start, "end": end, "step": step(start, end)}


def step(start: datetime, end: datetime) -> str:
    """Choose how wide a bar is, for at most about a hundred of them."""
    hours = (end - start).total_seconds() / 3600
    widths = ((2, "1 minute"), (12, "10 minutes"), (72, "1 hour"), (24 * 21, "6 hours"), (24 * 120, "1 day"))
    return next((width for limit, width in widths if hours <= limit), "7 days")
