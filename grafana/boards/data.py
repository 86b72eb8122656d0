"""Dashboard 1: the data that come in."""

from grafana_foundation_sdk.builders import dashboard

from grafana.boards.common import NOW, OF_USE_CASE, alert_rules, board, database_variable, use_case_variable
from grafana.colors import BAD, GOOD, WARNING
from grafana.panels import coloured, limits, lines, linked, number, rows, sql, stacked

UID = "tabserve-data"
LEVELS = ("none", "low", "medium", "high")
IN_RANGE = f"{OF_USE_CASE} AND $__timeFilter(finished_at)"
SHARE = "100.0 * sum(rows_bad) / nullif(sum(rows_total), 0)"


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    rule = alert_rules()["invalid_rows"]
    steps = limits((None, GOOD), (100 * rule["warning"], WARNING), (100 * rule["alarm"], BAD))
    panels = [
        *(
            number(
                f"Invalid rows, last {minutes} minutes",
                f"Share of the rows that arrived in the last {minutes} minutes and broke a rule.",
                sql(
                    f'SELECT {NOW} AS time, {SHARE} AS "invalid" FROM ingestions '
                    f"WHERE {IN_RANGE} AND finished_at >= {NOW} - interval '{minutes} minutes'"
                ),
                "percent",
                steps,
            )
            for minutes in (10, 30)
        ),
        number(
            "Time since the last file",
            "How long ago the last raw file was judged.",
            sql(
                f'SELECT {NOW} AS time, extract(epoch from {NOW} - max(finished_at)) AS "age" FROM ingestions '
                f"WHERE {IN_RANGE}"
            ),
            "s",
            limits((None, GOOD), (1_800, WARNING), (7_200, BAD)),
        ),
        number(
            "Rows unaccounted for",
            "Rows that are neither good nor bad, or good but without prediction in a file that is done. Must be 0.",
            sql(
                f"SELECT {NOW} AS time, coalesce(sum(abs(rows_total - rows_good - rows_bad) + CASE WHEN "
                "predicted_at IS NULL THEN 0 ELSE abs(rows_good - (SELECT count(*) FROM predictions AS p "
                "WHERE p.file_id = i.file_id AND source = 'scheduled')) END), 0) AS \"rows\" "
                f"FROM ingestions AS i WHERE {IN_RANGE} AND status = 'done'"
            ),
            "short",
            limits((None, GOOD), (1, BAD)),
        ),
        lines(
            "Invalid rows",
            "Share of the rows that broke a rule, over time.",
            [
                sql(
                    f'SELECT $__timeGroup(finished_at, $__interval) AS time, {SHARE} AS "invalid" FROM ingestions '
                    f"WHERE {IN_RANGE} GROUP BY 1 ORDER BY 1"
                )
            ],
            "percent",
            steps,
        ),
        stacked(
            "Issues by rule",
            "How many rows broke each rule; a row may break several.",
            sql(
                "SELECT $__timeGroup(detected_at, $__interval) AS time, rule AS metric, sum(rows) AS value "
                f"FROM data_quality_issues WHERE {OF_USE_CASE} AND $__timeFilter(detected_at) "
                "GROUP BY 1, 2 ORDER BY 1, 2"
            ),
        ),
        stacked(
            "Files by criticality",
            "How many files arrived, by how bad they are.",
            sql(
                "SELECT $__timeGroup(finished_at, $__interval) AS time, criticality AS metric, count(*) AS value "
                f"FROM ingestions WHERE {IN_RANGE} GROUP BY 1, 2 ORDER BY 1, 2"
            ),
            names=LEVELS,
        ),
        stacked(
            "Rows by quality",
            "How many rows arrived: good ones are predicted, bad ones quarantined.",
            sql(
                "SELECT $__timeGroup(finished_at, $__interval) AS time, sum(rows_good) AS good, sum(rows_bad) AS bad "
                f"FROM ingestions WHERE {IN_RANGE} GROUP BY 1 ORDER BY 1"
            ),
            names=("good", "bad"),
        ),
        lines(
            "Rows waiting for a prediction",
            "Good rows of files that are not predicted yet, by when their file was judged.",
            [
                sql(
                    "SELECT $__timeGroup(finished_at, $__interval) AS time, "
                    "coalesce(sum(rows_good) FILTER (WHERE predicted_at IS NULL), 0) AS waiting "
                    f"FROM ingestions WHERE {IN_RANGE} AND status = 'done' GROUP BY 1 ORDER BY 1"
                )
            ],
            "short",
        ).span(24),
        coloured(
            linked(
                rows(
                    "Worst files",
                    "Files with the largest share of bad rows; their report opens from the web page.",
                    sql(
                        "SELECT key AS file, status, criticality, rows_total, rows_bad, "
                        'round(100.0 * rows_bad / nullif(rows_total, 0), 1) AS "% bad", file_id AS report '
                        f"FROM ingestions WHERE {IN_RANGE} AND (rows_bad > 0 OR status <> 'done') "
                        "ORDER BY 6 DESC NULLS FIRST, finished_at DESC LIMIT 20",
                        "table",
                    ),
                ).span(24),
                "report",
                "Report",
                "${page}/data-quality?file=${__value.raw}",
            ),
            {"criticality": LEVELS},
        ),
    ]
    return board(
        UID,
        "tabserve: ingested data",
        "Is what arrives usable, and is every row accounted for?",
        panels,
        database_variable(),
        use_case_variable(),
    )
