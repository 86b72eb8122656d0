"""What the page reads from the database; every query names its bounds."""

from datetime import datetime
from typing import Any

import pandas as pd

from ui.database import ReaderDatabase

FLOW = """
SELECT (SELECT count(*) FROM ingestions) AS files,
       (SELECT count(*) FROM ingestions WHERE status <> 'done') AS files_refused,
       (SELECT coalesce(sum(rows_total), 0) FROM ingestions) AS rows_total,
       (SELECT coalesce(sum(rows_good), 0) FROM ingestions) AS rows_good,
       (SELECT coalesce(sum(rows_bad), 0) FROM ingestions) AS rows_bad,
       (SELECT coalesce(sum(rows_good), 0) FROM ingestions
        WHERE predicted_at IS NULL AND status = 'done') AS rows_waiting,
       (SELECT count(*) FROM predictions) AS predictions,
       (SELECT count(*) FROM predictions WHERE source = 'scheduled') AS predictions_scheduled,
       (SELECT count(*) FROM ground_truth) AS outcomes,
       (SELECT max(finished_at) FROM ingestions) AS last_file
"""
UNACCOUNTED = """
WITH stored AS (
       SELECT file_id, count(*) AS rows FROM predictions WHERE source = 'scheduled' GROUP BY 1),
     kept AS (SELECT file_id, count(*) AS rows FROM bad_rows GROUP BY 1)
SELECT count(*) FILTER (WHERE i.rows_total <> i.rows_good + i.rows_bad) AS split,
       count(*) FILTER (WHERE i.status = 'done' AND i.rows_bad <> coalesce(k.rows, 0)) AS kept,
       count(*) FILTER (WHERE i.predicted_at IS NOT NULL AND i.rows_good <> coalesce(s.rows, 0)) AS predicted
FROM ingestions i LEFT JOIN stored s USING (file_id) LEFT JOIN kept k USING (file_id)
"""
FILE_COLUMNS = """
SELECT file_id, key, use_case, status, criticality, rows_total, rows_good, rows_bad, report_key, finished_at,
       predicted_at, error
FROM ingestions
"""
FILE = f"{FILE_COLUMNS} WHERE file_id = :file_id"
FILES = f"""{FILE_COLUMNS}
WHERE (CAST(:use_case AS text) IS NULL OR use_case = :use_case OR use_case IS NULL)
  AND (CAST(:criticality AS text) IS NULL OR criticality = :criticality)
  AND (CAST(:name AS text) IS NULL OR strpos(lower(key), lower(:name)) > 0)
ORDER BY finished_at DESC, file_id
LIMIT :limit OFFSET :offset
"""
ISSUES = "SELECT column_name, rule, rows FROM data_quality_issues WHERE file_id = :file_id ORDER BY rows DESC, 1, 2"
BAD_ROWS = """
SELECT row_number, line_number, raw, reasons FROM bad_rows
WHERE file_id = :file_id ORDER BY row_number LIMIT :limit
"""
ALERTS = """
SELECT created_at, state, severity, rule, subject, payload, sent_at FROM alerts
ORDER BY created_at DESC LIMIT :limit
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
CLASSES_OVER_TIME = OVER_TIME.format(table="predictions", time="created_at", series="prediction", more=CHOSEN)
SOURCES_OVER_TIME = OVER_TIME.format(table="predictions", time="created_at", series="source", more="")
FILES_OVER_TIME = OVER_TIME.format(table="ingestions", time="finished_at", series="criticality", more="")
LATELY = """
SELECT model_version, prediction, count(*) AS rows, max(created_at) AS last
FROM predictions
WHERE use_case = :use_case AND created_at >= now() - interval '24 hours'
GROUP BY 1, 2 ORDER BY 1 DESC, 2
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


def steps(start: datetime, end: datetime) -> dict[str, Any]:
    """Return the bounds of a query over time: where it begins and ends, and how wide its steps are."""
    return {"start": start, "end": end, "step": step(start, end)}


def step(start: datetime, end: datetime) -> str:
    """Choose how wide a bar is, for at most about a hundred of them."""
    hours = (end - start).total_seconds() / 3600
    widths = ((2, "1 minute"), (12, "10 minutes"), (72, "1 hour"), (24 * 21, "6 hours"), (24 * 120, "1 day"))
    return next((width for limit, width in widths if hours <= limit), "7 days")
