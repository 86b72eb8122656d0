"""A challenger on trial beside the champion: what both answer, how fast, and how right; in dashboard 2."""

from grafana.boards.common import OF_USE_CASE
from grafana.panels import Panel, lines, rows, sql, stacked

STEP = "date_bin('$__interval', {time}, TIMESTAMPTZ '2000-01-01') AS time"
BESIDE = (
    "FROM challenger_predictions AS c JOIN predictions AS p ON p.id = c.prediction_id "
    "LEFT JOIN ground_truth AS g ON g.prediction_id = p.id "
    "WHERE c.role = 'shadow' AND c.use_case = ${use_case:sqlstring} AND $__timeFilter(c.created_at)"
)
COUNTED = f"FROM scoring_counts WHERE {OF_USE_CASE} AND $__timeFilter(minute)"


def panels() -> list[Panel]:
    """Return the panels; without a trial they are empty."""
    return [
        lines(
            "A shadow's answers beside the champion's",
            "On the same records: of how many both say the same class, or how far their numbers are apart on average.",
            [
                sql(
                    f"SELECT {STEP.format(time='c.created_at')}, "
                    'avg(CASE WHEN p.value IS NULL THEN CAST(c.prediction = p.prediction AS int) END) AS "same class", '
                    'avg(abs(c.value - p.value)) AS "difference of numbers" '
                    f"{BESIDE} GROUP BY 1 ORDER BY 1"
                )
            ],
            "short",
        ),
        stacked(
            "Answers by version",
            "Which version answered: during a canary both do.",
            sql(
                f"SELECT {STEP.format(time='created_at')}, role || ' ' || model_version AS metric, count(*) AS value "
                f"FROM predictions WHERE {OF_USE_CASE} AND $__timeFilter(created_at) GROUP BY 1, 2 ORDER BY 1, 2"
            ),
        ),
        rows(
            "Scoring during trials",
            "Of each trial and version: calls, those that failed, records, and the time that half and 95 % of the "
            "calls stay below.",
            sql(
                "WITH counted AS (SELECT trial, role, model_version, bucket, sum(calls) AS calls, "
                f"sum(failures) AS failures, sum(rows) AS records {COUNTED} GROUP BY 1, 2, 3, 4), "
                "ranked AS (SELECT *, sum(calls) OVER (PARTITION BY trial, role, model_version ORDER BY bucket) "
                "AS reached, sum(calls) OVER (PARTITION BY trial, role, model_version) AS total FROM counted) "
                "SELECT trial, role, model_version AS version, max(total) AS calls, sum(failures) AS failed, "
                "sum(records) AS records, "
                'min(bucket) FILTER (WHERE reached >= 0.5 * total) * 1000 AS "half, ms", '
                'min(bucket) FILTER (WHERE reached >= 0.95 * total) * 1000 AS "95 %, ms" '
                "FROM ranked GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3",
                "table",
            ),
        ),
        rows(
            "How right champion and challenger are",
            "Where outcomes are known: of how many records each version's class is right, or its mean absolute error. "
            "A shadow and its champion on the same records, a canary and its champion each on their own.",
            sql(
                "WITH said AS ("
                f"SELECT c.role, c.model_version, c.prediction, c.value, g.actual {BESIDE} UNION ALL "
                "SELECT 'champion beside it', p.model_version, p.prediction, p.value, g.actual "
                f"{BESIDE} UNION ALL "
                "SELECT p.role, p.model_version, p.prediction, p.value, g.actual FROM predictions AS p "
                "JOIN ground_truth AS g ON g.prediction_id = p.id "
                "WHERE p.use_case = ${use_case:sqlstring} AND $__timeFilter(p.created_at)) "
                "SELECT role, model_version AS version, count(*) AS outcomes, "
                'avg(CASE WHEN value IS NULL THEN CAST(prediction = actual AS int) END) AS "right", '
                'avg(CASE WHEN value IS NOT NULL THEN abs(value - CAST(actual AS double precision)) END) AS "error" '
                "FROM said WHERE actual IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
                "table",
            ),
        ),
    ]
