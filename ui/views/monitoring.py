"""What goes on: predictions, classes, files, alerts; and the dashboards' panels."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from ui import context, panels, queries
from ui.components import charts, dashboard, headline, notices, tables, times
from ui.components.charts import Span
from ui.panels import Dashboard, View

SPANS = {"Last 15 minutes": 0.25, "Last hour": 1, "Last 6 hours": 6, "Last 24 hours": 24, "Last 7 days": 168}
ALERTS = 50


def show() -> None:
    """Draw the page."""
    headline.show("Monitoring")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        span = st.selectbox("When", list(SPANS), index=2, key="monitoring_span", width=220)
        st.button("Refresh", icon=":material/refresh:")
    end = datetime.now(UTC)
    start = end - timedelta(hours=SPANS[span])
    boards = panels.dashboards().values()
    now, *tabs = st.tabs(["Now", *map(dashboard.title, boards)])
    with now:
        _show_now(context.chosen(), (start, end))
    for tab, board in zip(tabs, boards, strict=True):
        with tab:
            _show_board(board, (start, end))


def _show_now(use_case: str | None, span: Span) -> None:
    _show_alerts()
    left, right = st.columns(2)
    with left:
        _show_sources(use_case, span)
    with right:
        _show_classes(use_case, span)
    _show_files(use_case, span)


def _show_board(board: Dashboard, span: Span) -> None:
    if (use_case := context.chosen()) is None:
        _say_no_use_case()
    else:
        dashboard.show(board, View(*span, {"use_case": use_case}))


def _show_alerts() -> None:
    st.header("Alerts", anchor=False)
    found = context.read(queries.ALERTS, limit=ALERTS)
    if found.empty:
        notices.show_empty("No alert so far.", "Files with many bad rows and drifting columns raise one here.")
        return
    firing = firing_now(found)
    if firing:
        st.error(f"**Firing now:** {', '.join(firing)}", icon=":material/notifications_active:")
    else:
        st.success("**Nothing is firing now.**", icon=":material/notifications_off:")
    shown = pd.DataFrame(
        {
            "time": pd.to_datetime(found["created_at"], utc=True),
            "state": tables.chip(found["state"]),
            "severity": tables.chip(found["severity"]),
            "rule": found["rule"],
            "about": found["subject"],
            "what happened": [_summary(payload) for payload in found["payload"]],
            "sent": pd.to_datetime(found["sent_at"], utc=True),
        }
    )
    columns = {
        "time": times.column("time"),
        "sent": times.column("sent"),
        "state": tables.chips(tables.STATE),
        "severity": tables.chips(tables.SEVERITY),
    }
    tables.show(shown, "Alerts, newest first", columns)


def firing_now(alerts: pd.DataFrame) -> list[str]:
    """Return rule and subject of alerts that fired and are not resolved."""
    latest = alerts.sort_values("created_at").drop_duplicates(["rule", "subject"], keep="last")
    firing = latest[latest["state"] == "firing"]
    return [f"{rule} ({subject})" for rule, subject in zip(firing["rule"], firing["subject"], strict=True)]


def _summary(payload: Any) -> str:  # noqa: ANN401  whatever the alert carries
    if not isinstance(payload, dict):
        return str(payload)
    return str(payload.get("explanation") or "") or ", ".join(f"{name}: {value}" for name, value in payload.items())


def _show_sources(use_case: str | None, span: Span) -> None:
    st.header("Predictions by source", anchor=False)
    found = context.read(queries.SOURCES_OVER_TIME, use_case=use_case, **queries.steps(*span))
    charts.show_counts(found, span, "source", "predictions", sorted(found["source"].unique()))


def _show_classes(use_case: str | None, span: Span) -> None:
    st.header("Predictions by class", anchor=False)
    if use_case is None:
        _say_no_use_case()
        return
    everything = {"source": None, "model_version": None, "prediction": None}
    found = context.read(queries.CLASSES_OVER_TIME, use_case=use_case, **everything, **queries.steps(*span))
    charts.show_classes(found, span, context.definition(use_case))


def _show_files(use_case: str | None, span: Span) -> None:
    st.header("Files by criticality", anchor=False)
    found = context.read(queries.FILES_OVER_TIME, use_case=use_case, **queries.steps(*span))
    charts.show_counts(found, span, "criticality", "files", list(tables.CRITICALITY))


def _say_no_use_case() -> None:
    notices.show_empty("No use case is chosen.", "The API tells which there are; it is away.")
