"""The panels on drift: how far each column is from the reference, window by window."""

from grafana.boards.common import BUCKET, OF_USE_CASE, annotation
from grafana.colors import MEANING, SERIES
from grafana.panels import (
    Panel,
    bars,
    limits,
    lines,
    named_values,
    number,
    sql,
    stacked,
    states,
)

NAMED = {"insufficient": "insufficient", "ok": "stable", "warning": "warning", "alarm": "alarm", "severe": "severe"}
STATES = tuple((code, text, MEANING[text]) for code, text in enumerate(NAMED.values()))
CODE = "CASE state " + " ".join(f"WHEN '{state}' THEN {code}" for code, state in enumerate(NAMED)) + " END"
WINDOWS = f"FROM drift_metrics WHERE {OF_USE_CASE} AND $__timeFilter(window_end)"
NAMES = "CASE feature WHEN '@probability' THEN 'probability' WHEN '@prediction' THEN 'predictions' ELSE feature END"
FEATURES = f"SELECT DISTINCT feature FROM drift_metrics WHERE {OF_USE_CASE} ORDER BY 1 DESC"
BINS = "each.bin ->> 'bin'"
IN_REFERENCE, IN_WINDOW = ("CAST(each.bin ->> 'reference' AS bigint)", "CAST(each.bin ->> 'rows' AS bigint)")


VERSION_CHANGES = annotation(
    "Model versions",
    SERIES[0],
    "SELECT time, 'model ' || model_version AS text FROM (SELECT min(window_start) AS time, model_version "
    f"FROM drift_metrics WHERE {OF_USE_CASE} GROUP BY 2) AS first WHERE $__timeFilter(time) ORDER BY 1",
)


def last_window() -> Panel:
    """Return the gravest state of any column."""
    worst = f"SELECT max(window_end) AS time, max({CODE}) AS state {WINDOWS} AND window_end = "
    newest = f"(SELECT max(window_end) {WINDOWS})"
    return number(
        "Drift in the last window",
        "The gravest state of any column in the last window: 1 stable, 2 warning, 3 alarm, 4 severe.",
        sql(worst + newest + " HAVING count(*) > 0"),
        "short",
        limits(*((None if code == 0 else code, color) for code, _, color in STATES)),
    ).mappings([named_values(STATES)])


def panels() -> list[Panel]:
    """Return the panels on columns."""
    return [
        states(
            "Drift by column",
            "State of every column in every window, from significance and effect of all columns together.",
            sql(f"SELECT {BUCKET}, {NAMES} AS metric, max({CODE}) AS value {WINDOWS} GROUP BY 1, 2 ORDER BY 1, 2"),
            STATES,
        ),
        lines(
            "Effect by column",
            "How far each column is from the reference: population stability index beyond what chance makes of it. "
            "From where it counts as drift each use case says; the states above follow that.",
            [sql(f"SELECT {BUCKET}, {NAMES} AS metric, max(effect) AS value {WINDOWS} GROUP BY 1, 2 ORDER BY 1, 2")],
            "short",
        ),
        stacked(
            "Rows by window",
            "How many predictions each window holds; below 50 no verdict, below 100 no alarm.",
            sql(f"SELECT {BUCKET}, sum(n) AS rows {WINDOWS} AND feature = '@prediction' GROUP BY 1 ORDER BY 1"),
        ),
        bars(
            "Serving against training: $feature",
            "Share of the rows in each bin of the chosen column, in the reference and in the time range.",
            sql(
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


def class_mix() -> Panel:
    """Return the panel on the shares of the answered classes."""
    return lines(
        "Class mix against training",
        "Of classes: share of each answered class in every window, and in the reference.",
        [
            sql(
                f"SELECT {BUCKET}, 'class ' || ({BINS}) || CASE kind WHEN 1 THEN ' (training)' ELSE '' END AS metric, "
                f"sum(CASE kind WHEN 1 THEN {IN_REFERENCE} ELSE {IN_WINDOW} END) / nullif(sum(sum(CASE kind "
                f"WHEN 1 THEN {IN_REFERENCE} ELSE {IN_WINDOW} END)) "
                "OVER (PARTITION BY $__timeGroup(window_end, $__interval), kind), 0) AS value "
                "FROM drift_metrics, json_array_elements(bins) AS each (bin), generate_series(0, 1) AS kind "
                f"WHERE {OF_USE_CASE} AND $__timeFilter(window_end) AND feature = '@prediction' "
                f"AND {BINS} NOT IN ('other', 'missing') GROUP BY 1, {BINS}, kind ORDER BY 1, 2"
            )
        ],
        "percentunit",
    )
