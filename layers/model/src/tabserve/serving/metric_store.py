"""Metrics from the database: they hold across instances and restarts.

Predictions are counted once: `prediction_totals` holds the ones made before the time in `rollups`, and reading counts
only what came since. Reading moves that time on, one minute behind the clock so that no statement is still writing.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from tabserve.core.clock import utc_now
from tabserve.serving.metrics import Family, RequestCount, request_families

Rows = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]

# Moves predictions that no statement is writing any more into the totals; numbers are counted together, as no class.
ROLL_UP = """
WITH due AS (
    SELECT until AS since FROM rollups
    WHERE name = 'predictions' AND until < now() - interval '2 minutes' FOR UPDATE
), counted AS (
    INSERT INTO prediction_totals (use_case, model_version, source, prediction, predictions)
    SELECT use_case, model_version, source,
           CASE WHEN value IS NULL THEN prediction ELSE '' END, count(*) FROM predictions, due
    WHERE created_at >= since AND created_at < now() - interval '1 minute'
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (use_case, model_version, source, prediction)
    DO UPDATE SET predictions = prediction_totals.predictions + excluded.predictions
)
UPDATE rollups SET until = now() - interval '1 minute' FROM due WHERE name = 'predictions'
"""
UNTIL = "SELECT until FROM rollups WHERE name = 'predictions'"
# The parameter is a time that `rollups` has passed already: it only shows the planner how few rows are left to count.
PREDICTIONS = """
SELECT use_case, model_version, source, prediction, sum(predictions) FROM (
    SELECT use_case, model_version, source, prediction, predictions FROM prediction_totals
    UNION ALL
    SELECT use_case, model_version, source,
           CASE WHEN value IS NULL THEN prediction ELSE '' END, count(*) FROM predictions
    WHERE created_at >= %s AND created_at >= (SELECT until FROM rollups WHERE name = 'predictions')
    GROUP BY 1, 2, 3, 4
) AS parts GROUP BY use_case, model_version, source, prediction ORDER BY 1, 2, 3, 4
"""
REQUESTS = "SELECT route, status, bucket, requests, seconds FROM request_counts"
ADD_REQUEST = """
INSERT INTO request_counts (route, status, bucket, requests, seconds) VALUES {values}
ON CONFLICT (route, status, bucket) DO UPDATE
SET requests = request_counts.requests + excluded.requests, seconds = request_counts.seconds + excluded.seconds
"""

COUNTERS: Sequence[tuple[str, str, tuple[str, ...], str]] = (
    (
        "tabserve_files_total",
        "Raw files judged.",
        ("use_case", "status", "criticality"),
        "SELECT coalesce(use_case, ''), status, criticality, count(*) FROM ingestions GROUP BY 1, 2, 3 ORDER BY 1, 2",
    ),
    (
        "tabserve_rows_total",
        "Rows of raw files, by what became of them.",
        ("use_case", "quality"),
        "SELECT coalesce(use_case, ''), 'good', sum(rows_good) FROM ingestions GROUP BY 1 UNION ALL "
        "SELECT coalesce(use_case, ''), 'bad', sum(rows_bad) FROM ingestions GROUP BY 1 ORDER BY 1, 2",
    ),
    (
        "tabserve_data_quality_issues_total",
        "Rows that broke a rule.",
        ("use_case", "rule"),
        "SELECT coalesce(use_case, ''), rule, sum(rows) FROM data_quality_issues GROUP BY 1, 2 ORDER BY 1, 2",
    ),
    (
        "tabserve_scheduled_runs_total",
        "Scheduled prediction runs.",
        ("status",),
        "SELECT status, count(*) FROM prediction_runs GROUP BY 1 ORDER BY 1",
    ),
    (
        "tabserve_drift_verdicts_total",
        "Columns of monitoring windows, by drift state.",
        ("use_case", "state"),
        "SELECT use_case, state, count(*) FROM drift_metrics GROUP BY 1, 2 ORDER BY 1, 2",
    ),
    (
        "tabserve_alerts_total",
        "Alert transitions.",
        ("rule", "state", "severity"),
        "SELECT rule, state, severity, count(*) FROM alerts GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    ),
)
OPEN_ALERTS = (
    "tabserve_open_alerts",
    "Alerts that fire and that nobody has said to have seen.",
    ("use_case", "rule", "severity"),
    "SELECT coalesce(use_case, ''), rule, severity, count(*) FROM current_alerts WHERE status = 'open' "
    "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
)
GAUGES = (
    (
        "tabserve_pending_files",
        "Good files without predictions.",
        "SELECT count(*) FROM ingestions "
        "WHERE status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL",
    ),
    (
        "tabserve_unsent_alerts",
        "Alerts nobody has been told about.",
        "SELECT count(*) FROM alerts WHERE sent_at IS NULL",
    ),
)

# Of each version that was watched lately: the last window of each metric. Both databases read the time as text.
PERFORMANCE = """
SELECT use_case, model_version, metric, kind, value, low, high, alarm_limit FROM (
    SELECT use_case, model_version, metric, kind, value, low, high, alarm_limit,
           row_number() OVER (PARTITION BY use_case, model_version, metric, kind ORDER BY window_end DESC) AS place
    FROM performance_metrics WHERE window_end >= %s AND n >= 50
) AS windows WHERE place = 1 ORDER BY 1, 2, 3, 4
"""
LATELY = timedelta(days=30)
PERFORMANCE_GAUGES = (
    ("tabserve_performance", "Performance in the last window of each version."),
    ("tabserve_performance_low", "The lower bound of its 95 % interval."),
    ("tabserve_performance_high", "The upper bound of its 95 % interval."),
    ("tabserve_performance_limit", "The worst value that is still all right."),
)


def families(rows: Rows) -> Sequence[Family]:
    """Count everything; `rows` runs one statement, and raises DatabaseUnavailableError."""
    name, text, labels, query = OPEN_ALERTS
    return [
        _predictions(rows),
        Family(name, "gauge", text, labels, rows(query, ())),
        *(Family(name, "counter", text, labels, rows(query, ())) for name, text, labels, query in COUNTERS),
        *(Family(name, "gauge", text, (), rows(query, ())) for name, text, query in GAUGES),
        *_performance(rows),
        *request_families([RequestCount(*row) for row in rows(REQUESTS, ())]),
    ]


def add_requests(rows: Rows, counts: Sequence[RequestCount]) -> None:
    """Add an instance's counts to those of all instances; raise DatabaseUnavailableError."""
    values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(counts))
    cells = [cell for c in counts for cell in (c.route, c.status, c.bucket, c.requests, c.seconds)]
    rows(ADD_REQUEST.format(values=values), cells)


def _predictions(rows: Rows) -> Family:
    ((until,),) = rows(UNTIL, ())
    labels = ("use_case", "model_version", "source", "class")
    return Family("tabserve_predictions_total", "counter", "Stored predictions.", labels, rows(PREDICTIONS, (until,)))


def _performance(rows: Rows) -> list[Family]:
    labels = ("use_case", "model_version", "metric", "kind")
    found = rows(PERFORMANCE, (f"{utc_now() - LATELY:%Y-%m-%d %H:%M:%S.%f}",))
    return [
        Family(name, "gauge", text, labels, [(*row[:4], row[4 + place]) for row in found if row[4 + place] is not None])
        for place, (name, text) in enumerate(PERFORMANCE_GAUGES)
    ]
