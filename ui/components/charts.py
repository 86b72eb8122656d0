"""Charts in one look; each has its text for those who cannot see it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

PALETTE = ["#0f766e", "#c2570c", "#4338ca", "#be185d", "#4d7c0f", "#0369a1"]
CRITICALITY = {"none": "#15803d", "low": "#0369a1", "medium": "#c2570c", "high": "#b91c1c"}
HEIGHT = 260
INK = "#334155"


def stacked(
    frame: pd.DataFrame,
    time: str,
    value: str,
    series: str,
    order: Sequence[str],
    colors: Sequence[str] = PALETTE,
    span: tuple[datetime, datetime] | None = None,
) -> alt.Chart:
    """Stack a count by series over time; `span` is what the axis covers, in the times' own zone."""
    domain = [bound.replace(tzinfo=None).isoformat() for bound in span] if span else alt.Undefined
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_bar(width=8)
        .encode(
            x=alt.X(f"{time}:T", title=time, scale=alt.Scale(domain=domain), axis=_axis(labelOverlap=True)),
            y=alt.Y(f"sum({value}):Q", title=value, axis=_axis(format="~s", tickMinStep=1)),
            color=alt.Color(
                f"{series}:N",
                scale=alt.Scale(domain=list(order), range=list(colors)[: len(order)] or list(colors)),
                legend=alt.Legend(orient="top", title=None, labelColor=INK),
            ),
            tooltip=[alt.Tooltip(f"{time}:T", format="%Y-%m-%d %H:%M"), f"{series}:N", f"{value}:Q"],
        )
        .properties(height=HEIGHT)
    )
    return chart


def _axis(**options: Any) -> alt.Axis:  # noqa: ANN401
    return alt.Axis(labelColor=INK, titleColor=INK, **options)


def show(chart: Any, text: str) -> None:  # noqa: ANN401  charts of every kind
    """Draw a chart across the page, with a text that says the same."""
    st.altair_chart(chart, width="stretch", alt=text)


def intervals(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw a value with its interval for each version."""
    base = alt.Chart(frame).encode(y=alt.Y("version:N", title=None, sort="-y"))
    title = str(frame["metric"].iloc[0]) if len(frame) else ""
    bars = base.mark_rule(strokeWidth=2, color=PALETTE[0]).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(zero=False)), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=90, color=PALETTE[0]).encode(
        x="value:Q", tooltip=["version:N", "value:Q", "low:Q", "high:Q"]
    )
    chart: alt.LayerChart = bars + points
    return chart
