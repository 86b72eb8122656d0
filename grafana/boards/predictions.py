"""Dashboard 2: what models are asked and what they answer."""

from grafana_foundation_sdk.builders import dashboard

from grafana.boards import drift, trial
from grafana.boards.common import (
    BUCKET,
    NOW,
    OF_USE_CASE,
    board,
    database_variable,
    query_variable,
    use_case_variable,
)
from grafana.colors import BAD, GOOD, SOURCES, WARNING
from grafana.panels import PLAIN, Query, banded, coloured, limits, lines, number, rows, sql, stacked

UID = "tabserve-predictions"
SEVERITIES = ("info", "low", "warning", "medium", "high", "critical")
# An alert fires now whenever it began: the time range only bounds it where it lies before now.
OPEN = f"({OF_USE_CASE} OR use_case IS NULL) AND (created_at <= {NOW} OR $__timeFilter(created_at))"
MEASURES = f"FROM performance_metrics WHERE {OF_USE_CASE} AND $__timeFilter(window_end)"


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    return board(
        UID,
        "tabserve: drift and predictions",
        "Do the data still look like those the model was tested on, and are its answers still right?",
        [*_now(), *drift.panels(), *_answers(), *_performance(), *_of_numbers(), *trial.panels(), *_last()],
        database_variable(),
        use_case_variable(),
        query_variable("feature", "Feature", drift.FEATURES),
    )


def _now() -> list[object]:
    accuracy = limits((None, BAD), (0.7, WARNING), (0.8, GOOD))
    return [
        drift.last_window(),
        number(
            "Predictions a minute",
            "Over the last 10 minutes.",
            sql(
                f"SELECT {NOW} AS time, count(*) / 10.0 AS rate FROM predictions WHERE {OF_USE_CASE} "
                f"AND $__timeFilter(created_at) AND created_at >= {NOW} - interval '10 minutes'"
            ),
            "short",
            PLAIN,
        ),
        number(
            "Accuracy, measured",
            "Of classes: in the last window with known outcomes.",
            sql(
                f"SELECT window_end AS time, value AS accuracy {MEASURES} AND metric = 'accuracy' "
                "AND kind = 'measured' ORDER BY 1 DESC LIMIT 1"
            ),
            "percentunit",
            accuracy,
        ),
        number(
            "Alerts open",
            "Alerts that fire now and that nobody has said to have seen.",
            sql(f"SELECT {NOW} AS time, count(*) AS open FROM current_alerts WHERE {OPEN} AND status = 'open'"),
            "short",
            limits((None, GOOD), (1, BAD)),
        ),
    ]


def _answers() -> list[object]:
    probability = f"{MEASURES} AND metric = 'mean_probability'"
    return [
        drift.class_mix(),
        banded(
            lines(
                "Mean probability",
                "Of classes: mean answered probability of every window, and the band it stays in when nothing "
                "changed (95 %).",
                [
                    sql(
                        f'SELECT {BUCKET}, avg(value) AS mean, min(low) AS "mean, low", max(high) AS "mean, high" '
                        f"{probability} GROUP BY 1 ORDER BY 1"
                    )
                ],
                "percentunit",
            ),
            ["mean"],
        ),
        stacked(
            "Predictions by source",
            "How many predictions were made, by who asked.",
            sql(
                "SELECT date_bin('$__interval', created_at, TIMESTAMPTZ '2000-01-01') AS time, source AS metric, "
                "count(*) AS value "
                f"FROM predictions WHERE {OF_USE_CASE} AND $__timeFilter(created_at) GROUP BY 1, 2 ORDER BY 1, 2"
            ),
            names=SOURCES,
        ),
    ]


def _interval(metric: str, kind: str, name: str = "A") -> Query:
    """Ask for a metric over time with its interval and limit."""
    chosen = f"{MEASURES} AND metric = '{metric}' AND kind = '{kind}'"
    return sql(
        f'SELECT {BUCKET}, avg(value) AS "{metric}", min(low) AS "{metric}, low", max(high) AS "{metric}, high", '
        f'max(alarm_limit) AS "{metric}, limit" {chosen} GROUP BY 1 ORDER BY 1',
        name=name,
    )


def _performance() -> list[object]:
    return [
        banded(
            lines(
                "Accuracy and precision, measured",
                "Of classes: where outcomes are known, with 95 % intervals. An alert fires when all of one stays below "
                "its limit.",
                [_interval("accuracy", "measured"), _interval("precision", "measured", "B")],
                "percentunit",
            ),
            ["accuracy", "precision"],
        ),
        banded(
            lines(
                "Accuracy, estimated",
                "Of classes: from calibrated probabilities, before outcomes are known; the band is what chance makes "
                "of it (95 %). An alert fires when the upper bound stays below the limit.",
                [_interval("accuracy", "estimated")],
                "percentunit",
            ),
            ["accuracy"],
        ),
        lines(
            "Brier score against its limit",
            "Of classes: squared error of the probabilities, measured and estimated. An alert fires when the lower "
            "bound of its interval stays above the limit.",
            [
                sql(
                    f"SELECT {BUCKET}, avg(value) FILTER (WHERE kind = 'measured') AS measured, "
                    "avg(value) FILTER (WHERE kind = 'estimated') AS estimated, min(alarm_limit) AS \"limit\" "
                    f"{MEASURES} AND metric = 'brier' GROUP BY 1 ORDER BY 1"
                )
            ],
            "short",
        ).span(24),
    ]


def _of_numbers() -> list[object]:
    """Return the panels on predicted numbers; how wrong they are, nothing tells before outcomes are known."""
    stored = f"FROM predictions WHERE {OF_USE_CASE} AND $__timeFilter(created_at) AND value IS NOT NULL"
    step = "date_bin('$__interval', created_at, TIMESTAMPTZ '2000-01-01') AS time"
    return [
        banded(
            lines(
                "Mean predicted number",
                "Of a regression: the mean of every window, and the band it stays in when nothing changed (95 %).",
                [
                    sql(
                        f'SELECT {BUCKET}, avg(value) AS mean, min(low) AS "mean, low", max(high) AS "mean, high" '
                        f"{MEASURES} AND metric = 'mean_prediction' GROUP BY 1 ORDER BY 1"
                    )
                ],
                "short",
            ),
            ["mean"],
        ),
        lines(
            "Spread of predicted numbers and width of their intervals",
            "Of a regression: below which number a tenth, a half and nine tenths of the predictions lie, and how wide "
            "intervals are on average.",
            [
                sql(
                    f'SELECT {step}, percentile_cont(0.1) WITHIN GROUP (ORDER BY value) AS "a tenth", '
                    'percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS "a half", '
                    'percentile_cont(0.9) WITHIN GROUP (ORDER BY value) AS "nine tenths", '
                    f'avg(high - low) AS "width of intervals" {stored} GROUP BY 1 ORDER BY 1'
                )
            ],
            "short",
        ),
        banded(
            lines(
                "Error of predicted numbers, measured",
                "Of a regression: mean absolute and root mean squared error where outcomes are known, with 95 % "
                "intervals. An alert fires when all of one stays above its limit.",
                [_interval("mae", "measured"), _interval("rmse", "measured", "B")],
                "short",
            ),
            ["mae", "rmse"],
        ),
        banded(
            lines(
                "Coverage of the intervals, measured",
                "Of a regression: how many intervals hold the true number where that is known. An alert fires when "
                "fewer do than should, by more than chance.",
                [_interval("coverage", "measured")],
                "percentunit",
            ),
            ["coverage"],
        ),
    ]


def _last() -> list[object]:
    return [
        rows(
            "Errors and latency of the API",
            "Since counting began: requests, answers with status 5xx, and the bound 95 % of the requests stay below.",
            sql(
                "WITH counted AS (SELECT route, bucket, sum(requests) AS requests, "
                "sum(requests) FILTER (WHERE status >= 500) AS failed FROM request_counts GROUP BY 1, 2), "
                "ranked AS (SELECT *, sum(requests) OVER (PARTITION BY route ORDER BY bucket) AS reached, "
                f"sum(requests) OVER (PARTITION BY route) AS total, {NOW} AS until FROM counted) "
                "SELECT route, max(total) AS requests, "
                'round(100.0 * coalesce(sum(failed), 0) / max(total), 2) AS "% errors", '
                'min(bucket) FILTER (WHERE reached >= 0.95 * total) * 1000 AS "p95 ms" FROM ranked '
                "WHERE $__timeFilter(until) GROUP BY 1 ORDER BY 2 DESC",
                "table",
            ),
        ).span(24),
        coloured(
            rows(
                "Alerts",
                "What fires now, the worst first; seen: somebody knows, and it lasts.",
                sql(
                    "SELECT created_at AS time, severity, rule, subject, payload ->> 'title' AS title, status "
                    f"FROM current_alerts WHERE {OPEN} AND status <> 'ended' ORDER BY status, "
                    "array_position(ARRAY['critical', 'high', 'warning', 'medium'], severity), created_at DESC",
                    "table",
                ),
            ).span(24),
            {"severity": SEVERITIES},
        ),
    ]
