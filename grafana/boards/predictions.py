"""Dashboard 2: what models are asked and what they answer."""

from grafana_foundation_sdk.builders import dashboard

from grafana.boards.common import USE_CASES, board, database_variable, query_variable
from grafana.panels import (
    BLUE,
    DARK_RED,
    DATABASE,
    GREEN,
    GREY,
    ORANGE,
    PLAIN,
    RED,
    Sql,
    bars,
    limits,
    lines,
    named_values,
    number,
    rows,
    stacked,
    states,
)

UID = "tabserve-predictions"
STATES = (
    (0, "insufficient", GREY),
    (1, "ok", GREEN),
    (2, "warning", ORANGE),
    (3, "alarm", RED),
    (4, "severe", DARK_RED),
)
CODE = "CASE state " + " ".join(f"WHEN '{text}' THEN {code}" for code, text, _ in STATES) + " END"
NOW = "CAST($__timeTo() AS timestamptz)"
OF_USE_CASE = "use_case = ${use_case:sqlstring}"
WINDOWS = f"FROM drift_metrics WHERE {OF_USE_CASE} AND $__timeFilter(window_end)"
MEASURES = f"FROM performance_metrics WHERE {OF_USE_CASE} AND $__timeFilter(window_end)"
BUCKET = "$__timeGroup(window_end, $__interval) AS time"
NAMES = "CASE feature WHEN '@probability' THEN 'probability' WHEN '@prediction' THEN 'class mix' ELSE feature END"
FEATURES = f"SELECT DISTINCT feature FROM drift_metrics WHERE {OF_USE_CASE} ORDER BY 1 DESC"
BINS = "each.bin ->> 'bin'"
IN_REFERENCE, IN_WINDOW = ("CAST(each.bin ->> 'reference' AS bigint)", "CAST(each.bin ->> 'rows' AS bigint)")


# The SDK knows annotations of tags only, so this one is added to what it writes.
VERSION_CHANGES = {
    "name": "Model versions",
    "enable": True,
    "iconColor": BLUE,
    "datasource": {"type": DATABASE.type_val, "uid": DATABASE.uid},
    "target": Sql(
        "SELECT time, 'model ' || model_version AS text FROM (SELECT min(window_start) AS time, model_version "
        f"FROM drift_metrics WHERE {OF_USE_CASE} GROUP BY 2) AS first WHERE $__timeFilter(time) ORDER BY 1",
        "table",
        "Versions",
    ).build(),
}


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    built = board(
        UID,
        "tabserve: drift and predictions",
        "Do the data still look like those the model was tested on, and are its answers still right?",
        [*_now(), *_drift(), *_answers(), *_performance()],
    )
    variables = (
        database_variable(),
        query_variable("use_case", "Use case", USE_CASES),
        query_variable("feature", "Feature", FEATURES),
    )
    for variable in variables:
        built = built.with_variable(variable)
    return built


def _now() -> list[object]:
    worst = f"SELECT max(window_end) AS time, max({CODE}) AS state {WINDOWS} AND window_end = "
    newest = f"(SELECT max(window_end) {WINDOWS})"
    accuracy = limits((None, RED), (0.7, ORANGE), (0.8, GREEN))
    return [
        number(
            "Drift in the last window",
            "The gravest state of any column in the last window: 1 ok, 2 warning, 3 alarm, 4 severe.",
            Sql(worst + newest + " HAVING count(*) > 0"),
            "short",
            limits(*((None if code == 0 else code, color) for code, _, color in STATES)),
        ).mappings([named_values(STATES)]),
        number(
            "Predictions a minute",
            "Over the last 10 minutes.",
            Sql(
                f"SELECT {NOW} AS time, count(*) / 10.0 AS rate FROM predictions WHERE {OF_USE_CASE} "
                f"AND $__timeFilter(created_at) AND created_at >= {NOW} - interval '10 minutes'"
            ),
            "short",
            PLAIN,
        ),
        number(
            "Accuracy, measured",
            "In the last window with known outcomes.",
            Sql(
                f"SELECT window_end AS time, value AS accuracy {MEASURES} AND metric = 'accuracy' "
                "AND kind = 'measured' ORDER BY 1 DESC LIMIT 1"
            ),
            "percentunit",
            accuracy,
        ),
        number(
            "Alerts firing",
            "Rules that fire and are not resolved, of all use cases.",
            Sql(
                f"SELECT {NOW} AS time, count(*) AS firing FROM (SELECT DISTINCT ON (rule, subject) state FROM alerts "
                "WHERE created_at <= CAST($__timeTo() AS timestamptz) OR $__timeFilter(created_at) "
                "ORDER BY rule, subject, created_at DESC) AS last WHERE state = 'firing'"
            ),
            "short",
            limits((None, GREEN), (1, RED)),
        ),
    ]


def _drift() -> list[object]:
    return [
        states(
            "Drift by column",
            "State of every column in every window, from significance and effect of all columns together.",
            Sql(f"SELECT {BUCKET}, {NAMES} AS metric, max({CODE}) AS value {WINDOWS} GROUP BY 1, 2 ORDER BY 1, 2"),
            STATES,
        ),
        lines(
            "Effect by column",
            "How far each column is from the reference: population stability index beyond what chance makes of it. "
            "From where it counts as drift each use case says; the states above follow that.",
            [Sql(f"SELECT {BUCKET}, {NAMES} AS metric, max(effect) AS value {WINDOWS} GROUP BY 1, 2 ORDER BY 1, 2")],
            "short",
        ),
        stacked(
            "Rows by window",
            "How many predictions each window holds; below 50 no verdict, below 100 no alarm.",
            Sql(f"SELECT {BUCKET}, sum(n) AS rows {WINDOWS} AND feature = '@prediction' GROUP BY 1 ORDER BY 1"),
        ),
        bars(
            "Serving against training: $feature",
            "Share of the rows in each bin of the chosen column, in the reference and in the time range.",
            Sql(
                f"SELECT {BINS} AS bin, sum({IN_REFERENCE}) / sum(sum({IN_REFERENCE})) OVER () AS training, "
                f"sum({IN_WINDOW}) / nullif(sum(sum({IN_WINDOW})) OVER (), 0) AS serving "
                "FROM drift_metrics, json_array_elements(bins) WITH ORDINALITY AS each (bin, place) "
                f"WHERE {OF_USE_CASE} AND $__timeFilter(window_end) AND feature = ${{feature:sqlstring}} "
                "AND model_version = (SELECT max(model_version) FROM drift_metrics "
                f"WHERE {OF_USE_CASE} AND $__timeFilter(window_end)) "
                f"GROUP BY {BINS}, each.place ORDER BY each.place",
                "table",
            ),
            "percentunit",
        ),
    ]


def _answers() -> list[object]:
    probability = f"{MEASURES} AND metric = 'mean_probability'"
    return [
        lines(
            "Class mix against training",
            "Share of each answered class in every window, and in the reference.",
            [
                Sql(
                    f"SELECT {BUCKET}, {BINS} || CASE kind WHEN 1 THEN ' (training)' ELSE '' END AS metric, "
                    f"sum(CASE kind WHEN 1 THEN {IN_REFERENCE} ELSE {IN_WINDOW} END) / nullif(sum(sum(CASE kind "
                    f"WHEN 1 THEN {IN_REFERENCE} ELSE {IN_WINDOW} END)) "
                    "OVER (PARTITION BY $__timeGroup(window_end, $__interval), kind), 0) AS value "
                    "FROM drift_metrics, json_array_elements(bins) AS each (bin), generate_series(0, 1) AS kind "
                    f"WHERE {OF_USE_CASE} AND $__timeFilter(window_end) AND feature = '@prediction' "
                    f"AND {BINS} NOT IN ('other', 'missing') GROUP BY 1, {BINS}, kind ORDER BY 1, 2"
                )
            ],
            "percentunit",
        ),
        lines(
            "Mean probability",
            "Mean answered probability of every window, and the band it stays in when nothing changed (95 %).",
            [
                Sql(
                    f'SELECT {BUCKET}, avg(value) AS mean, min(low) AS "band, low", max(high) AS "band, high" '
                    f"{probability} GROUP BY 1 ORDER BY 1"
                )
            ],
            "percentunit",
        ),
        stacked(
            "Predictions by source",
            "How many predictions were made, by who asked.",
            Sql(
                "SELECT date_bin('$__interval', created_at, TIMESTAMPTZ '2000-01-01') AS time, source AS metric, "
                "count(*) AS value "
                f"FROM predictions WHERE {OF_USE_CASE} AND $__timeFilter(created_at) GROUP BY 1, 2 ORDER BY 1, 2"
            ),
        ),
        rows(
            "Errors and latency of the API",
            "Since counting began: requests, answers with status 5xx, and the bound 95 % of the requests stay below.",
            Sql(
                "WITH counted AS (SELECT route, bucket, sum(requests) AS requests, "
                "sum(requests) FILTER (WHERE status >= 500) AS failed FROM request_counts GROUP BY 1, 2), "
                "ranked AS (SELECT *, sum(requests) OVER (PARTITION BY route ORDER BY bucket) AS reached, "
                "sum(requests) OVER (PARTITION BY route) AS total, "
                "CAST($__timeTo() AS timestamptz) AS until FROM counted) "
                "SELECT route, max(total) AS requests, "
                'round(100.0 * coalesce(sum(failed), 0) / max(total), 2) AS "% errors", '
                'min(bucket) FILTER (WHERE reached >= 0.95 * total) * 1000 AS "p95 ms" FROM ranked '
                "WHERE $__timeFilter(until) GROUP BY 1 ORDER BY 2 DESC",
                "table",
            ),
        ),
    ]


def _performance() -> list[object]:
    def interval(metric: str, kind: str, name: str) -> Sql:
        chosen = f"{MEASURES} AND metric = '{metric}' AND kind = '{kind}'"
        return Sql(
            f'SELECT {BUCKET}, avg(value) AS "{metric}", min(low) AS "{metric}, low", max(high) AS "{metric}, high" '
            f"{chosen} GROUP BY 1 ORDER BY 1",
            name=name,
        )

    return [
        lines(
            "Accuracy and precision, measured",
            "Where outcomes are known, with 95 % intervals.",
            [interval("accuracy", "measured", "A"), interval("precision", "measured", "B")],
            "percentunit",
        ),
        lines(
            "Accuracy, estimated",
            "From calibrated probabilities, before outcomes are known, with what chance makes of as many rows (95 %).",
            [interval("accuracy", "estimated", "A")],
            "percentunit",
        ),
        rows(
            "Alerts",
            "What fired and was resolved, newest first.",
            Sql(
                "SELECT created_at AS time, rule, subject, state, severity, payload ->> 'title' AS title "
                "FROM alerts WHERE $__timeFilter(created_at) ORDER BY created_at DESC LIMIT 50",
                "table",
            ),
        ),
    ]
