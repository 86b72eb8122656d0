"""Alert rules of Grafana: the same thresholds as the monitor's, evaluated without it."""

from typing import Any

from grafana.boards import data, predictions
from grafana.boards.common import alert_rules

DATABASE_UID = "tabserve-postgres"
PERFORMANCE = {"performance": "measured", "estimated_performance": "estimated"}


def queries() -> dict[str, str]:
    """Return the query of each rule: a table of one number by use case."""
    rules = alert_rules()
    minutes = rules["invalid_rows"]["minutes"]
    silence = rules["no_predictions"]["minutes"]
    return {
        "invalid_rows": (
            "SELECT use_case, 1.0 * sum(rows_bad) / nullif(sum(rows_total), 0) AS share FROM ingestions "
            f"WHERE finished_at >= now() - interval '{minutes} minutes' AND use_case IS NOT NULL GROUP BY 1 ORDER BY 1"
        ),
        "drift": (
            "SELECT use_case, count(*) FILTER (WHERE state = 'severe') AS columns FROM drift_metrics "
            "WHERE (use_case, window_end) IN (SELECT use_case, max(window_end) FROM drift_metrics GROUP BY 1) "
            "GROUP BY 1 ORDER BY 1"
        ),
        **{name: _beyond_limit(kind, rules[name]["beyond_in_a_row"]) for name, kind in PERFORMANCE.items()},
        "no_predictions": (
            "SELECT use_case, extract(epoch from now() - max(window_end)) / 60 AS minutes FROM drift_metrics "
            f"WHERE window_end >= now() - interval '{24 * silence} minutes' GROUP BY 1 ORDER BY 1"
        ),
        "unaccounted_rows": (
            "SELECT use_case, sum(abs(rows_total - rows_good - rows_bad)) AS rows FROM ingestions "
            "WHERE finished_at >= now() - interval '1 day' AND status = 'done' GROUP BY 1 ORDER BY 1"
        ),
    }


def thresholds() -> dict[str, float]:
    """Return the value each rule fires above."""
    rules = alert_rules()
    return {
        "invalid_rows": rules["invalid_rows"]["alarm"],
        "drift": 0,  # columns whose state is severe, by the limits of their use case
        **dict.fromkeys(PERFORMANCE, 0),  # metrics beyond their limits
        "no_predictions": rules["no_predictions"]["minutes"],
        "unaccounted_rows": 0,
    }


def rules() -> dict[str, Any]:
    """Return the provisioning file of the rules."""
    titles = {
        "invalid_rows": ("Many invalid rows", "critical", data.UID),
        "drift": ("Severe drift", "critical", predictions.UID),
        "performance": ("Performance beyond its limits", "critical", predictions.UID),
        "estimated_performance": ("Estimated performance beyond its limits", "warning", predictions.UID),
        "no_predictions": ("No predictions", "warning", predictions.UID),
        "unaccounted_rows": ("Rows unaccounted for", "critical", data.UID),
    }
    found = [_rule(name, *titles[name], sql, thresholds()[name]) for name, sql in queries().items()]
    group = {"orgId": 1, "name": "tabserve", "folder": "tabserve", "interval": "1m", "rules": found}
    return {"apiVersion": 1, "groups": [group]}


def _beyond_limit(kind: str, windows: int) -> str:
    """Count the metrics whose whole interval was beyond the limit in each of the last windows."""
    beyond = "CASE WHEN metric IN ('brier', 'calibration_error') THEN low > alarm_limit ELSE high < alarm_limit END"
    ranked = (
        "SELECT *, row_number() OVER (PARTITION BY use_case, metric ORDER BY window_end DESC) AS place "
        f"FROM performance_metrics WHERE kind = '{kind}' AND n >= 50 AND window_end >= now() - interval '30 days'"
    )
    judged = (
        f"SELECT use_case, metric, count(*) FILTER (WHERE {beyond}) AS windows FROM ({ranked}) AS ranked "
        f"WHERE place <= {windows} GROUP BY 1, 2"
    )
    return (
        f"SELECT use_case, count(*) FILTER (WHERE windows >= {windows}) AS metrics FROM ({judged}) AS judged "
        "GROUP BY 1 ORDER BY 1"
    )


def _rule(name: str, title: str, severity: str, board: str, sql: str, above: float) -> dict[str, Any]:
    return {
        "uid": f"tabserve-{name.replace('_', '-')}",
        "title": title,
        "condition": "C",
        "for": "0s",
        "noDataState": "OK",
        "execErrState": "Error",
        "labels": {"severity": severity, "rule": name},
        "annotations": {
            # A literal dollar is doubled in provisioning files.
            "summary": "{{ $$labels.use_case }}: " + title.lower() + ", {{ $$values.B.Value }}",
            "__dashboardUid__": board,
        },
        "data": [_query(sql), _expression("B", "reduce", "A", {"reducer": "last"}), _threshold(above)],
    }


def _query(sql: str) -> dict[str, Any]:
    model = {"refId": "A", "rawSql": sql.replace("$", "$$"), "format": "table", "rawQuery": True, "editorMode": "code"}
    return {
        "refId": "A",
        "datasourceUid": DATABASE_UID,
        "relativeTimeRange": {"from": 3600, "to": 0},
        "model": model,
    }


def _threshold(above: float) -> dict[str, Any]:
    condition = {"evaluator": {"type": "gt" if not above else "gte", "params": [above]}}
    return _expression("C", "threshold", "B", {"conditions": [condition]})


def _expression(name: str, kind: str, of: str, details: dict[str, Any]) -> dict[str, Any]:
    model = {"refId": name, "type": kind, "expression": of} | details
    return {"refId": name, "datasourceUid": "__expr__", "model": model}
