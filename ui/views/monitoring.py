"""What goes on: predictions, classes, files, alerts; and the dashboards' panels."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from ui import context, queries
from ui.components import boards, charts, notices, tables, times
from ui.components.history import label_of
from ui.panels import View

SPANS = {"Last hour": 1, "Last 6 hours": 6, "Last 24 hours": 24, "Last 7 days": 168}
ALERTS = 50
Span = tuple[datetime, datetime]


def show() -> None:
    """Draw the page."""
    st.title("Monitoring")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        span = st.selectbox("When", list(SPANS), index=1, key="monitoring_span", width=220)
        st.button("Refresh", icon=":material/refresh:")
    end = datetime.now(UTC)
    start = end - timedelta(hours=SPANS[span])
    now, *boards_ = st.tabs(["Now", *boards.BOARDS.values()])
    with now:
        _show_now(context.chosen(), start, end)
    for tab, uid in zip(boards_, boards.BOARDS, strict=True):
        with tab:
            _show_board(uid, start, end)


def _show_now(use_case: str | None, start: datetime, end: datetime) -> None:
    _show_alerts()
    left, right = st.columns(2)
    with left:
        _show_sources(use_case, start, end)
    with right:
        _show_classes(use_case, start, end)
    _show_files(use_case, start, end)


def _show_board(uid: str, start: datetime, end: datetime) -> None:
    if (use_case := context.chosen()) is None:
        notices.show_empty("No use case is chosen.", "The API tells which there are; it is away.")
        return
    boards.show(uid, View(start, end, {"use_case": use_case}))


def _show_alerts() -> None:
    st.subheader("Alerts", anchor=False)
    found = queries.alerts(context.database(), ALERTS)
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
    text = next((payload[name] for name in ("summary", "text", "explanation", "message") if payload.get(name)), None)
    return str(text) if text else ", ".join(f"{name}: {value}" for name, value in payload.items())


def _show_sources(use_case: str | None, start: datetime, end: datetime) -> None:
    st.subheader("Predictions by source", anchor=False)
    found = queries.sources_over_time(context.database(), use_case, start, end)
    _draw(found, (start, end), "source", "rows", "predictions", sorted(found["source"].unique()), charts.PALETTE)


def _show_classes(use_case: str | None, start: datetime, end: datetime) -> None:
    st.subheader("Predictions by class", anchor=False)
    if use_case is None:
        notices.show_empty("No use case is chosen.", "The API tells which there are; it is away.")
        return
    found = queries.classes_over_time(
        context.database(), use_case, start, end, source=None, version=None, prediction=None
    )
    definition = context.definition(use_case)
    labels = [label_of(definition, str(class_)) for class_ in definition["target"]["classes"]]
    found["prediction"] = [label_of(definition, text) for text in found["prediction"]]
    _draw(found, (start, end), "prediction", "rows", "predictions", labels, charts.PALETTE)


def _show_files(use_case: str | None, start: datetime, end: datetime) -> None:
    st.subheader("Files by criticality", anchor=False)
    found = queries.files_over_time(context.database(), use_case, start, end)
    _draw(
        found,
        (start, end),
        "criticality",
        "files",
        "files",
        list(charts.CRITICALITY),
        list(charts.CRITICALITY.values()),
    )


def _draw(
    found: pd.DataFrame, span: Span, series: str, value: str, title: str, order: list[str], colors: list[str]
) -> None:
    if found.empty:
        st.caption(f"No {title} in this time.")
        return
    time = f"time ({times.zone_name()})"
    frame = pd.DataFrame(
        {time: times.in_zone(found["time"]).dt.tz_localize(None), series: found[series], title: found[value]}
    )
    local = (span[0].astimezone(times.zone()), span[1].astimezone(times.zone()))
    totals = found.groupby(series)[value].sum()
    charts.show(
        charts.stacked(frame, time, title, series, order, colors, local),
        f"{title} by {series} over time: " + ", ".join(f"{count:,} {name}" for name, count in totals.items()),
    )
