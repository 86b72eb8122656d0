"""What goes on: alerts, predictions, classes, files; and the dashboards' panels."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from ui import address, alerts, context, panels, queries
from ui.components import charts, dashboard, headline, notices, problems, tables, times
from ui.components.charts import Span
from ui.panels import Dashboard, View

SPANS = {
    "6h": ("Last 6 hours", 6),
    "15m": ("Last 15 minutes", 0.25),
    "1h": ("Last hour", 1),
    "24h": ("Last 24 hours", 24),
    "7d": ("Last 7 days", 168),
}
ALL = "all"
HISTORY = 200


def show() -> None:
    """Draw the page."""
    headline.show("Monitoring")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        span = address.choose("When", {name: label for name, (label, _) in SPANS.items()}, "when", width=220)
        st.button("Refresh", icon=":material/refresh:")
    end = datetime.now(UTC)
    start = end - timedelta(hours=SPANS[span][1])
    boards = {uid.removeprefix("tabserve-"): board for uid, board in panels.dashboards().items()}
    tabs = address.tabs({"now": "Now", **{name: dashboard.title(board) for name, board in boards.items()}})
    for name, tab in tabs.items():
        if tab.open:
            with tab:
                _show_now(context.chosen(), (start, end)) if name == "now" else _show_board(boards[name], (start, end))


def _show_now(use_case: str | None, span: Span) -> None:
    _show_problems(use_case)
    left, right = st.columns(2)
    with left:
        _show_sources(use_case, span)
    with right:
        _show_predicted(use_case, span)
    _show_files(use_case, span)
    _show_history(use_case, span)


def _show_board(board: Dashboard, span: Span) -> None:
    if (use_case := context.chosen()) is None:
        _say_no_use_case()
    else:
        dashboard.show(board, View(*span, {"use_case": use_case}))


def _show_problems(use_case: str | None) -> None:
    st.header("What is wrong", anchor=False)
    current = problems.current(use_case)
    counts = alerts.counts(current)
    if not counts:
        st.success("**No alert is open.**", icon=":material/notifications_off:")
    else:
        total = sum(counts.values())
        chips = {ALL: f"all {total:,}"} | {severity: f"{count:,} {severity}" for severity, count in counts.items()}
        chosen = address.choose("Open alerts", chips, "severity", st.segmented_control, required=True)
        if chosen != ALL:
            current = current[current["severity"] == chosen]
    problems.show(alerts.problems(current), problems.issues(use_case, context.rules()))


def _show_history(use_case: str | None, span: Span) -> None:
    st.header("What fired and ended", anchor=False)
    start, end = span
    found = context.read(alerts.HISTORY, use_case=use_case, start=start, end=end, limit=HISTORY)
    if found.empty:
        notices.show_empty("Nothing in this time.", "Files with many bad rows and drifting columns raise an alert.")
        return
    transitions = int(found["transitions"].iloc[0])
    st.caption(f"The newest {len(found):,} of {transitions:,} changes in the time above, of the chosen use case.")
    told = found[["rule", "subject", "payload"]].itertuples(index=False)
    shown = pd.DataFrame(
        {
            "time": pd.to_datetime(found["created_at"], utc=True),
            "what happened": [alerts.title(str(rule), str(subject), payload) for rule, subject, payload in told],
            "state": tables.chip(found["state"]),
            "severity": tables.chip(found["severity"]),
            "rule": found["rule"].str.replace("_", " "),
            "sent": pd.to_datetime(found["sent_at"], utc=True),
        }
    )
    columns = {
        "time": times.column("time"),
        "what happened": st.column_config.TextColumn(width="large"),
        "sent": times.column("sent"),
        "state": tables.chips(tables.STATE),
        "severity": tables.chips(tables.SEVERITY),
    }
    tables.show(shown, "Alerts that fired and ended, newest first", columns)


def _show_sources(use_case: str | None, span: Span) -> None:
    st.header("Predictions by source", anchor=False)
    found = context.read(queries.SOURCES_OVER_TIME, use_case=use_case, **queries.steps(*span))
    charts.show_counts(found, span, "source", "predictions", sorted(found["source"].unique()))


def _show_predicted(use_case: str | None, span: Span) -> None:
    st.header("What was predicted", anchor=False)
    if use_case is None:
        _say_no_use_case()
        return
    everything = {"source": None, "model_version": None, "prediction": None}
    definition = context.definition(use_case)
    query = queries.predictions_over_time(definition)
    found = context.read(query, use_case=use_case, **everything, **queries.steps(*span))
    charts.show_predictions(found, span, definition)


def _show_files(use_case: str | None, span: Span) -> None:
    st.header("Files by criticality", anchor=False)
    found = context.read(queries.FILES_OVER_TIME, use_case=use_case, **queries.steps(*span))
    charts.show_counts(found, span, "criticality", "files", list(tables.CRITICALITY))


def _say_no_use_case() -> None:
    notices.show_empty("No use case is chosen.", "The API tells which there are; it is away.")
