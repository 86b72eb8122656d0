"""Charts in one look: the chosen zone's clock, plain numbers, colours by meaning, and a text that says the same."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from grafana import colors
from ui import context, numbers
from ui.components import markup, times

HEIGHT = 260
INK = "#334155"
CLOCK = (
    "seconds(datum.value) ? timeFormat(datum.value, '%H:%M:%S') : hours(datum.value) || minutes(datum.value) "
    "? timeFormat(datum.value, '%H:%M') : timeFormat(datum.value, '%d %b')"
)
PLAIN = "abs(datum.value) >= 1000 ? format(datum.value, '.3~s') : format(datum.value, '.3~r')"
NUMBERS = {
    "short": PLAIN,
    "percent": "format(datum.value, '.3~r') + ' %'",
    "percentunit": "format(100 * datum.value, '.3~r') + ' %'",
    "s": "format(datum.value, '.3~r') + ' s'",
}
"""How an axis writes its numbers, by unit: no SI prefix below 1,000, so that a thousandth is no `m`."""
Span = tuple[datetime, datetime]


def show(chart: Any, text: str) -> None:  # noqa: ANN401  charts of every kind
    """Draw a chart across the page, with a text that says the same."""
    st.altair_chart(chart, width="stretch", alt=text)


def show_legend(shades: Mapping[str, str], note: str = "") -> None:
    """Say what the colours mean, in text that wraps where the page is narrow."""
    st.html(markup.legend(shades, note))


def wall_clock(found: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return times as a clock in the chosen zone shows them: without a zone, so that no browser moves them."""
    clock: pd.Series[Any] = times.in_zone(found).dt.tz_localize(None)
    return clock


def time_axis(span: Span) -> alt.X:
    """Return the axis of the column `time`, made by `wall_clock`, that reaches over a span and names the zone."""
    domain = [bound.astimezone(times.zone()).replace(tzinfo=None).isoformat() for bound in span]
    clock = axis(labelExpr=CLOCK, labelOverlap=True, tickCount=8)
    return alt.X("time:T", title=f"time ({times.zone_name()})", scale=alt.Scale(domain=domain), axis=clock)


def number_axis(
    field: str,
    largest: float,
    unit: str = "short",
    title: str | None = None,
    *,
    whole: bool = False,
    zero: bool = True,
) -> alt.Y:
    """Return an axis of numbers; without a number above 0 it still reaches to 1."""
    scale = alt.Scale(zero=zero) if largest > 0 else alt.Scale(domain=[0, 1])
    numbers = axis(labelExpr=NUMBERS[unit], tickCount=5, **({"tickMinStep": 1} if whole else {}))
    return alt.Y(field, title=title, scale=scale, axis=numbers)


def color(field: str, shades: Mapping[str, str]) -> alt.Color:
    """Return the colours of a field; `show_legend` tells what they mean."""
    scale = alt.Scale(domain=list(shades), range=list(shades.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=None)


def show_predictions(found: pd.DataFrame, span: Span, definition: context.Json) -> None:
    """Draw what `queries.predictions_over_time` found: counts by class, or where predicted numbers lie."""
    (_show_numbers if numbers.is_regression(definition) else _show_classes)(found, span, definition)


def _show_numbers(found: pd.DataFrame, span: Span, definition: context.Json) -> None:
    """Draw the median of predicted numbers, and the band that the middle four fifths of them are in."""
    if found.empty:
        st.caption("No predictions in this time.")
        return
    unit = definition["target"]["unit"]
    base = alt.Chart(found.assign(time=wall_clock(found["time"]))).encode(
        x=time_axis(span),
        tooltip=[
            time_tip(),
            *(alt.Tooltip(f"{name}:Q", format=",.4~g") for name in ("low", "middle", "high")),
            alt.Tooltip("rows:Q", title="predictions", format=","),
        ],
    )
    y = number_axis("low:Q", 1.0, title=f"prediction ({unit})" if unit else "prediction", zero=False)
    band = base.mark_bar(width=8, opacity=0.35, color=colors.SERIES[0]).encode(y=y, y2="high:Q")
    middle = base.mark_point(filled=True, size=40, opacity=1, color=colors.SERIES[0]).encode(y="middle:Q")
    low, high = (numbers.with_unit(definition, each) for each in (found["middle"].min(), found["middle"].max()))
    show_legend({"median, and where the middle 80 % of predictions lie": colors.SERIES[0]})
    show((band + middle).properties(height=HEIGHT), f"Predicted numbers over time: medians from {low} to {high}")


def _show_classes(found: pd.DataFrame, span: Span, definition: context.Json) -> None:
    """Draw counts by predicted class over time, with the names people read for classes."""
    named = found.assign(prediction=[context.label_of(definition, text) for text in found["prediction"]])
    show_counts(named.rename(columns={"prediction": "class"}), span, "class", "predictions", context.labels(definition))


def show_counts(found: pd.DataFrame, span: Span, series: str, counted: str, order: Sequence[str]) -> None:
    """Stack the counts in the column `rows` by series over the time of a span; `counted` says of what they are."""
    if found.empty:
        st.caption(f"No {counted} in this time.")
        return
    shades = colors.of(order)
    chart = (
        alt.Chart(found.assign(time=wall_clock(found["time"])))
        .mark_bar(width=8)
        .encode(
            x=time_axis(span),
            y=number_axis("sum(rows):Q", float(found["rows"].max()), title=counted, whole=True),
            color=color(series, shades),
            tooltip=[time_tip(), f"{series}:N", alt.Tooltip("rows:Q", title=counted, format=",")],
        )
        .properties(height=HEIGHT)
    )
    totals = found.groupby(series)["rows"].sum()
    summary = ", ".join(f"{totals.get(name, 0):,} {name}" for name in order)
    show_legend(shades)
    show(chart, f"{counted.capitalize()} by {series} over time: {summary}")


def time_tip() -> alt.Tooltip:
    """Say when something was, as the tables do."""
    return alt.Tooltip("time:T", title=f"time ({times.zone_name()})", format="%Y-%m-%d %H:%M")


def axis(**options: Any) -> alt.Axis:  # noqa: ANN401
    """Return an axis in the ink of the page."""
    return alt.Axis(labelColor=INK, titleColor=INK, titleFontWeight="normal", **options)
