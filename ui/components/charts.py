"""Charts in one look; each has its text for those who cannot see it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ui import context
from ui.components import times

PALETTE = ["#0f766e", "#c2570c", "#4338ca", "#be185d", "#4d7c0f", "#0369a1", "#a16207", "#7e22ce"]
CRITICALITY = {"none": "#15803d", "low": "#0369a1", "medium": "#c2570c", "high": "#b91c1c"}
HEIGHT = 260
INK = "#334155"
Span = tuple[datetime, datetime]


def show(chart: Any, text: str) -> None:  # noqa: ANN401  charts of every kind
    """Draw a chart across the page, with a text that says the same."""
    st.altair_chart(chart, width="stretch", alt=text)


def show_classes(found: pd.DataFrame, span: Span, definition: context.Json) -> None:
    """Draw counts by predicted class over time, with the names people read for classes."""
    named = found.assign(prediction=[context.label_of(definition, text) for text in found["prediction"]])
    show_counts(named.rename(columns={"prediction": "class"}), span, "class", "predictions", context.labels(definition))


def show_counts(
    found: pd.DataFrame, span: Span, series: str, counted: str, order: Sequence[str], colors: Sequence[str] = PALETTE
) -> None:
    """Stack the counts in the column `rows` by series over the time of a span; `counted` says of what they are."""
    if found.empty:
        st.caption(f"No {counted} in this time.")
        return
    time = f"time ({times.zone_name()})"
    frame = found.rename(columns={"rows": counted}).drop(columns="time")
    frame[time] = times.in_zone(found["time"]).dt.tz_localize(None)
    domain = [bound.astimezone(times.zone()).replace(tzinfo=None).isoformat() for bound in span]
    chart = (
        alt.Chart(frame)
        .mark_bar(width=8)
        .encode(
            x=alt.X(f"{time}:T", title=time, scale=alt.Scale(domain=domain), axis=_axis(labelOverlap=True)),
            y=alt.Y(f"sum({counted}):Q", title=counted, axis=_axis(format="~s", tickMinStep=1)),
            color=alt.Color(
                f"{series}:N",
                scale=alt.Scale(domain=list(order), range=list(colors)[: len(order)] or list(colors)),
                legend=alt.Legend(orient="top", title=None, labelColor=INK),
            ),
            tooltip=[alt.Tooltip(f"{time}:T", format="%Y-%m-%d %H:%M"), f"{series}:N", f"{counted}:Q"],
        )
        .properties(height=HEIGHT)
    )
    totals = found.groupby(series)["rows"].sum()
    summary = ", ".join(f"{totals.get(name, 0):,} {name}" for name in order)
    show(chart, f"{counted.capitalize()} by {series} over time: {summary}")


def _axis(**options: Any) -> alt.Axis:  # noqa: ANN401
    return alt.Axis(labelColor=INK, titleColor=INK, **options)


def show_intervals(frame: pd.DataFrame, text: str) -> None:
    """Draw the value of a metric with its interval for each version."""
    base = alt.Chart(frame).encode(y=alt.Y("version:N", title=None, sort="-y"))
    bars = base.mark_rule(strokeWidth=2, color=PALETTE[0]).encode(
        x=alt.X("low:Q", title=str(frame["metric"].iloc[0]), scale=alt.Scale(zero=False)), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=90, color=PALETTE[0]).encode(
        x="value:Q", tooltip=["version:N", "value:Q", "low:Q", "high:Q"]
    )
    show(bars + points, text)
