"""Explain this alert: which rule, which window, how many rows, how large, how sure, and where to look."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from tabserve.alerts.alert import AlertState
from tabserve.core.use_case import UseCase
from tabserve.monitoring.alert_rules import AlertRules, Finding, PerformanceRule, PerformanceVerdict
from tabserve.monitoring.drift import ColumnDrift
from tabserve.monitoring.performance import COVERAGE
from tabserve.monitoring.windows import Span
from tabserve.reference.performance import LOWER_IS_BETTER, Measure
from tabserve.reference.profile import PREDICTION, PROBABILITY

FALSE_ALARMS = "When nothing changed, fewer than 1 in 100 windows show an alarm."
DRIFT_BOARD = "tabserve-predictions"
DATA_BOARD = "tabserve-data"
METRICS = {
    "brier": "Brier score",
    "f1": "F1",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "R²",
    "coverage": "coverage of the intervals",
}
PERFORMANCE = {
    "performance": ("", "predictions with known outcomes"),
    "estimated_performance": ("estimated ", "predictions, estimated from their probabilities"),
}
NAMES = {PREDICTION: "the class mix", PROBABILITY: "the probability"}
PREDICTED_NUMBER = "the predicted number"


def drift(
    use_case: UseCase,
    rules: AlertRules,
    span: Span,
    drifts: Sequence[ColumnDrift],
    state: AlertState | None,
    dashboards: str,
) -> Finding:
    """Explain what a window says about drift."""
    moved = sorted(
        (each for each in drifts if each.state in ("alarm", "severe")),
        key=lambda each: -each.difference.effect,
    )
    rows = drifts[0].n if drifts else 0
    limits, alarms = use_case.monitoring.drift, rules.drift.alarms_in_a_row
    if state == "resolved":
        title = f"{use_case.name}: the data look like the reference again"
        explanation = (
            f"No column differs enough from the reference for a warning in {rules.drift.calm_in_a_row} windows in a "
            f"row, up to the one of {_window(span, rows)}."
        )
    else:
        title = f"{use_case.name}: {_listed([_name(use_case, each.column) for each in moved])} drifted"
        differences = "; ".join(_difference(use_case, each) for each in moved)
        explanation = (
            f"In the window of {_window(span, rows)}, {differences}. The rule fires after "
            f"{alarms} windows in a row with q < 0.01 and effect ≥ {limits.alarm:g}, or one with effect ≥ "
            f"{limits.severe:g}. {FALSE_ALARMS}"
        )
    facts = {"model_version": span.model_version, "window_start": span.start.isoformat(), "n": rows}
    facts |= {"window_end": span.end.isoformat(), "columns": {e.column: _numbers(e) for e in moved}}
    link = _link(dashboards, DRIFT_BOARD, use_case.name, span.start, span.end)
    severity, cause = rules.drift.severity, span.end.isoformat()
    return Finding("drift", use_case.name, state, severity, cause, title, explanation, facts, link)


def performance(
    use_case: UseCase, name: str, rule: PerformanceRule, found: PerformanceVerdict, dashboards: str
) -> Finding:
    """Explain which metrics are worse than they may be: by how much, how sure, over how many rows, and the limit."""
    span, beyond = found.span, found.beyond
    kind, rows = PERFORMANCE[name]
    windows = f"windows in a row of {rows}, up to the one from {_time(span.start)} to {_time(span.end)}"
    if found.state == "resolved":
        title = f"{use_case.name}: {kind}performance is all right again"
        explanation = f"No metric was beyond its limit in {rule.calm_in_a_row} {windows}."
    else:
        title = f"{use_case.name}: {kind}{_listed(list(map(_metric, beyond)))} worse than the limit"
        measured = "; ".join(_beyond(use_case, each) for each in beyond)
        explanation = f"In {rule.beyond_in_a_row} {windows}: {measured}."
    facts: dict[str, object] = {"model_version": span.model_version, "window_start": span.start.isoformat()}
    facts |= {"window_end": span.end.isoformat(), "metrics": {each.metric: _figures(each) for each in beyond}}
    cause = f"{span.end.isoformat()} {found.known_at.isoformat()}"
    link = _link(dashboards, DRIFT_BOARD, use_case.name, span.start, span.end)
    return Finding(name, use_case.name, found.state, rule.severity, cause, title, explanation, facts, link)


def one_class(
    use_case: UseCase, rules: AlertRules, span: Span, rows: int, answer: str | None, dashboards: str
) -> Finding:
    """Explain that a model answered with one class only, `answer`, or does so no longer."""
    if answer is None:
        title = f"{use_case.name}: the model answers with several classes again"
        explanation = f"The window of {_window(span, rows)} holds more than one class."
    else:
        title = f"{use_case.name}: the model answers {answer!r} only"
        explanation = (
            f"All predictions in the window of {_window(span, rows)} are {answer!r}; going by the reference, chance "
            "would do that in fewer than 1 in 1 000 windows."
        )
    facts = {"model_version": span.model_version, "window_start": span.start.isoformat(), "n": rows}
    facts |= {"window_end": span.end.isoformat(), "class": answer}
    link = _link(dashboards, DRIFT_BOARD, use_case.name, span.start, span.end)
    state: AlertState = "firing" if answer is not None else "resolved"
    severity, cause = rules.one_class.severity, span.end.isoformat()
    return Finding("one_class", use_case.name, state, severity, cause, title, explanation, facts, link)


def no_predictions(use_case: UseCase, rules: AlertRules, last: datetime, silent: bool, dashboards: str) -> Finding:
    """Explain since when there are no predictions."""
    minutes = rules.no_predictions.minutes
    title = f"{use_case.name}: no predictions for {minutes} minutes" if silent else f"{use_case.name}: predicting again"
    explanation = f"The last prediction was made at {_time(last)}; the rule fires after {minutes} minutes without any."
    return Finding(
        rule="no_predictions",
        subject=use_case.name,
        state="firing" if silent else "resolved",
        severity=rules.no_predictions.severity,
        cause=last.isoformat(),
        title=title,
        explanation=explanation,
        facts={"last_prediction": last.isoformat(), "minutes": minutes},
        link=_link(dashboards, DRIFT_BOARD, use_case.name, last, last),
    )


def not_monitored(use_case: str, error: Exception | None, now: datetime) -> Finding:
    """Explain that a use case cannot be monitored, or can be again; what the error says may hold values of the data."""
    return Finding(
        rule="not_monitored",
        subject=use_case,
        state="firing" if error else "resolved",
        severity="critical",
        cause=now.isoformat(),
        title=f"{use_case} is not monitored" if error else f"{use_case} is monitored again",
        explanation=f"Monitoring broke with {type(error).__name__}; its log says where." if error else "",
    )


def invalid_rows(
    use_case: str, rules: AlertRules, bad: int, total: int, rejected: int, now: datetime, dashboards: str
) -> Finding:
    """Explain how many rows of the last minutes were invalid."""
    rule = rules.invalid_rows
    share = bad / total if total else float(rejected > 0)
    firing = share >= rule.alarm
    found = f"{bad} of {total} rows ({share:.0%}) that arrived in the last {rule.minutes} minutes are invalid"
    if rejected:
        found += f", and {rejected} files were rejected as a whole"
    return Finding(
        rule="invalid_rows",
        subject=use_case,
        state="firing" if firing else "resolved",
        severity=rule.severity,
        cause=now.isoformat(),
        title=f"{use_case}: {share:.0%} of the rows are invalid" if firing else f"{use_case}: rows are valid again",
        explanation=f"{found}. The rule fires at {rule.alarm:.0%}.",
        facts={"rows_bad": bad, "rows_total": total, "files_rejected": rejected, "share": share, "n": total},
        link=_link(dashboards, DATA_BOARD, use_case, now, now),
    )


def _difference(use_case: UseCase, found: ColumnDrift) -> str:
    difference = found.difference
    return (
        f"{_name(use_case, found.column)} differs from the reference with effect {difference.effect:.2f} "
        f"({difference.method}, q = {found.q_value:.2g})"
    )


def _numbers(found: ColumnDrift) -> dict[str, object]:
    difference = found.difference
    return {
        "state": found.state,
        "effect": round(difference.effect, 4),
        "q_value": found.q_value,
        "method": difference.method,
    }


def _beyond(use_case: UseCase, found: Measure) -> str:
    if found.metric == COVERAGE:
        return (
            f"only {found.value:.1%} of the intervals hold the true number (n = {found.n}, 95 % interval "
            f"{found.low:.1%} to {found.high:.1%}), where {use_case.training.interval:.0%} should; the limit is "
            f"{found.alarm_limit:.1%}, which follows from that and from how few held-out rows there are"
        )
    accepted = found.alarm_limit in use_case.training.acceptance.values()
    origin = "the acceptance limit" if accepted else "which follows from the version's own held-out rows"
    side = "above" if found.metric in LOWER_IS_BETTER else "below"
    return (
        f"{_metric(found)} is {_figure(found.value)} (n = {found.n}, 95 % interval {_figure(found.low)} to "
        f"{_figure(found.high)}), all of the interval {side} the limit of {_figure(found.alarm_limit or 0)}, {origin}"
    )


def _figures(found: Measure) -> dict[str, float | None]:
    figures = {"value": found.value, "low": found.low, "high": found.high, "limit": found.alarm_limit}
    return {name: figure and round(figure, 4) for name, figure in figures.items()} | {"n": found.n}


def _figure(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _metric(found: Measure) -> str:
    return METRICS.get(found.metric, found.metric.replace("_", " "))


def _name(use_case: UseCase, column: str) -> str:
    if column == PREDICTION and use_case.is_regression:
        return PREDICTED_NUMBER
    return NAMES.get(column, column)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (f" and {names[-1]}" if len(names) > 1 else names[0]) if names else "data"


def _window(span: Span, rows: int) -> str:
    return f"{rows} predictions from {_time(span.start)} to {_time(span.end)}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _link(dashboards: str, board: str, use_case: str, start: datetime, end: datetime) -> str:
    if not dashboards:
        return ""
    margin = 3_600_000
    query = {
        "var-use_case": use_case,
        "from": int(start.timestamp() * 1000) - margin,
        "to": int(end.timestamp() * 1000) + margin,
    }
    return f"{dashboards.rstrip('/')}/d/{board}?{urlencode(query)}"
