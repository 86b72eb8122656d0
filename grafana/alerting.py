"""Alert rules of Grafana: the same thresholds as the monitor's, evaluated without it."""

from typing import Any

from grafana.boards import data, predictions
from grafana.boards.common import alert_rules

DATABASE_UID = "tabserve-postgres"


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
        "no_predictions": rules["no_predictions"]["minutes"],
        "unaccounted_rows": 0,
    }


def rules() -> dict[str, Any]:
    """Return the provisioning file of the rules."""
    titles = {
        "invalid_rows": ("Many invalid rows", "critical", data.UID),
        "drift": ("Severe drift", "critical", predictions.UID),
        "no_predictions": ("No predictions", "warning", predictions.UID),
        "unaccounted_rows": ("Rows unaccounted for", "critical", data.UID),
    }
    found = [_rule(name, *titles[name], sql, thresholds()[name]) for name, sql in queries().items()]
    group = {"orgId": 1, "name": "tabserve", "folder": "tabserve", "interval": "1m", "rules": found}
    return {"apiVersion": 1, "groups": [group]}


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
