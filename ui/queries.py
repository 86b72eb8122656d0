"""What the page reads from the database; every query names its bounds."""

from datetime import datetime
from typing import Any

import pandas as pd

from ui.database import Database

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
       (SELECT max(finished_at) FROM ingestions) AS last_file,
       (SELECT max(finished_at) FROM prediction_runs) AS last_run
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
VERDICTS = """
SELECT file_id, key, use_case, status, criticality, rows_total, rows_good, rows_bad, report_key, started_at,
       finished_at, predicted_at, error
FROM ingestions
"""
FILE = f"{VERDICTS} WHERE file_id = :file_id"
FILES = f"""{VERDICTS}
WHERE (CAST(:use_case AS text) IS NULL OR use_case = :use_case OR use_case IS NULL)
  AND (CAST(:criticality AS text) IS NULL OR criticality = :criticality)
  AND (CAST(:name AS text) IS NULL OR strpos(lower(key), lower(:name)) > 0)
ORDER BY finished_at DESC, file_id
LIMIT :limit OFFSET :offset
"""
ISSUES = (
    "SELECT column_name, rule, rows, sample FROM data_quality_issues WHERE file_id = :file_id ORDER BY rows DESC, 1, 2"
)
BAD_ROWS = """
SELECT row_number, line_number, raw, reasons FROM bad_rows
WHERE file_id = :file_id AND row_number > :after ORDER BY row_number LIMIT :limit
"""
ALERTS = """
SELECT created_at, state, severity, rule, subject, payload, sent_at FROM alerts
ORDER BY created_at DESC LIMIT :limit
"""
RUNS = """
SELECT started_at, finished_at, status, files, rows, error FROM prediction_runs
ORDER BY started_at DESC LIMIT :limit
"""
CLASSES_OVER_TIME = """
SELECT date_bin(CAST(:step AS interval), created_at, TIMESTAMPTZ '2000-01-01') AS time, prediction, count(*) AS rows
FROM predictions
WHERE use_case = :use_case AND created_at >= :start AND created_at < :end
  AND (CAST(:source AS text) IS NULL OR source = :source)
  AND (CAST(:version AS text) IS NULL OR model_version = :version)
  AND (CAST(:prediction AS text) IS NULL OR prediction = :prediction)
GROUP BY 1, 2 ORDER BY 1, 2
"""
SOURCES_OVER_TIME = """
SELECT date_bin(CAST(:step AS interval), created_at, TIMESTAMPTZ '2000-01-01') AS time, source, count(*) AS rows
FROM predictions
WHERE (CAST(:use_case AS text) IS NULL OR use_case = :use_case) AND created_at >= :start AND created_at < :end
GROUP BY 1, 2 ORDER BY 1, 2
"""
FILES_OVER_TIME = """
SELECT date_bin(CAST(:step AS interval), finished_at, TIMESTAMPTZ '2000-01-01') AS time, criticality, count(*) AS files
FROM ingestions
WHERE (CAST(:use_case AS text) IS NULL OR use_case = :use_case) AND finished_at >= :start AND finished_at < :end
GROUP BY 1, 2 ORDER BY 1, 2
"""
LATELY = """
SELECT model_version, prediction, count(*) AS rows, avg(probability) AS mean_probability, max(created_at) AS last
FROM predictions
WHERE use_case = :use_case AND created_at >= now() - interval '24 hours'
GROUP BY 1, 2 ORDER BY 1 DESC, 2
"""
ACTUALS = "SELECT prediction_id, actual FROM ground_truth WHERE CAST(prediction_id AS text) = ANY(:ids)"


def flow(database: Database) -> dict[str, Any]:
    """Count what is at each step."""
    return database.row(FLOW)


def unaccounted(database: Database) -> dict[str, int]:
    """Count files where rows are missing: at the split, in the quarantine, among the predictions."""
    return {name: int(count) for name, count in database.row(UNACCOUNTED).items()}


def files(
    database: Database, use_case: str | None, criticality: str | None, name: str | None, limit: int, offset: int = 0
) -> pd.DataFrame:
    """Return verdicts on files, newest first."""
    chosen = {"use_case": use_case, "criticality": criticality, "name": name or None}
    return database.frame(FILES, **chosen, limit=limit, offset=offset)


def file(database: Database, file_id: str) -> pd.DataFrame:
    """Return the verdict on one file, if there is one."""
    return database.frame(FILE, file_id=file_id)


def issues(database: Database, file_id: str) -> pd.DataFrame:
    """Return the rules broken in a file, most frequent first."""
    return database.frame(ISSUES, file_id=file_id)


def bad_rows(database: Database, file_id: str, after: int, limit: int) -> pd.DataFrame:
    """Return a page of a file's quarantined rows."""
    return database.frame(BAD_ROWS, file_id=file_id, after=after, limit=limit)


def alerts(database: Database, limit: int) -> pd.DataFrame:
    """Return the latest alerts."""
    return database.frame(ALERTS, limit=limit)


def runs(database: Database, limit: int) -> pd.DataFrame:
    """Return the latest scheduled runs."""
    return database.frame(RUNS, limit=limit)


def classes_over_time(
    database: Database, use_case: str, start: datetime, end: datetime, **filters: str | None
) -> pd.DataFrame:
    """Count predictions by class in steps of time; filters are source, version and prediction."""
    return database.frame(CLASSES_OVER_TIME, use_case=use_case, **_span(start, end), **filters)


def sources_over_time(database: Database, use_case: str | None, start: datetime, end: datetime) -> pd.DataFrame:
    """Count predictions by source in steps of time."""
    return database.frame(SOURCES_OVER_TIME, use_case=use_case, **_span(start, end))


def files_over_time(database: Database, use_case: str | None, start: datetime, end: datetime) -> pd.DataFrame:
    """Count files by criticality in steps of time."""
    return database.frame(FILES_OVER_TIME, use_case=use_case, **_span(start, end))


def lately(database: Database, use_case: str) -> pd.DataFrame:
    """Count what each model version answered in the last 24 hours."""
    return database.frame(LATELY, use_case=use_case)


def actuals(database: Database, ids: list[str]) -> dict[str, str]:
    """Return known outcomes by prediction id."""
    found = database.frame(ACTUALS, ids=ids)
    return dict(zip(found["prediction_id"].astype(str), found["actual"].astype(str), strict=True))


def _span(start: datetime, end: datetime) -> dict[str, Any]:
    return {"start": start, "end": end, "step": step(start, end)}


def step(start: datetime, end: datetime) -> str:
    """Choose how wide a bar is, for at most about a hundred of them."""
    hours = (end - start).total_seconds() / 3600
    widths = ((2, "1 minute"), (12, "10 minutes"), (72, "1 hour"), (24 * 21, "6 hours"), (24 * 120, "1 day"))
    return next((width for limit, width in widths if hours <= limit), "7 days")
