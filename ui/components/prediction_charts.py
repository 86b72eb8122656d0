"""Pictures of many predictions: how they split by class, and how sure the model is of them."""

from collections import Counter
from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from grafana import colors
from ui import answers, context, numbers
from ui.components import charts, tables
from ui.context import Json

BIN = 5  # percent
BARS = 30
HEIGHT = 220
Shades = Mapping[str, str]  # the colour of each class


def show(entries: Sequence[Json], definition: Json) -> None:
    """Draw the label and the probability of predictions side by side, or how predicted numbers are spread."""
    if numbers.is_regression(definition):
        _show_spread([float(entry["prediction"]) for entry in entries], definition)
        return
    predictions = [(str(entry["label"]), answers.probability_of(entry)) for entry in entries]
    shades = colors.of(context.labels(definition))
    charts.show_legend(shades)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**What was predicted**")
        _show_split(Counter(label for label, _ in predictions), shades)
    with right:
        st.markdown("**How sure the model is of it**")
        _show_histogram(predictions, shades)


def _show_spread(values: Sequence[float], definition: Json) -> None:
    st.markdown("**What was predicted**")
    unit = definition["target"]["unit"]
    title = f"prediction ({unit})" if unit else "prediction"
    counts, edges = np.histogram(values, bins=min(BARS, max(1, len(set(values)))))
    frame = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "rows": counts})
    axis = charts.axis(labelExpr=charts.NUMBERS["short"])
    chart = (
        alt.Chart(frame)
        .mark_bar(color=colors.SERIES[0], stroke="white", strokeWidth=1)
        .encode(
            x=alt.X("low:Q", title=title, scale=alt.Scale(zero=False), axis=axis),
            x2="high:Q",
            y=charts.number_axis("rows:Q", float(counts.max()), title="rows", whole=True),
            y2=alt.datum(0),
            tooltip=[alt.Tooltip(f"{end}:Q", format=",.4~g") for end in ("low", "high")] + [alt.Tooltip("rows:Q")],
        )
        .properties(height=HEIGHT)
    )
    low, middle, high = (numbers.with_unit(definition, each) for each in np.quantile(values, [0, 0.5, 1]))
    charts.show(chart, f"What was predicted: from {low} to {high}, half of it up to {middle}")


def _show_split(counts: "Counter[str]", shades: Shades) -> None:
    total = counts.total()
    frame = pd.DataFrame(
        {"class": label, "rows": counts[label], "text": f"{counts[label]:,} ({tables.share(counts[label], total)})"}
        for label in shades
    )
    axis = alt.Axis(labelColor=charts.INK, labelLimit=160, labelFontSize=12)
    base = alt.Chart(frame).encode(
        x=alt.X("rows:Q", axis=None, scale=alt.Scale(domainMax=int(frame["rows"].max() * 1.4))),
        y=alt.Y("class:N", title=None, sort=list(shades), axis=axis),
    )
    bars = base.mark_bar().encode(color=charts.color("class", shades))
    texts = base.mark_text(align="left", dx=6, color=charts.INK, fontSize=12).encode(text="text:N")
    summary = ", ".join(f"{text} {label}" for label, text in zip(frame["class"], frame["text"], strict=True))
    charts.show((bars + texts).properties(height=HEIGHT), f"What was predicted: {summary}")


def _show_histogram(predictions: Sequence[tuple[str, float]], shades: Shades) -> None:
    found = Counter((label, min(int(share * 100 // BIN * BIN), 100 - BIN)) for label, share in predictions)
    frame = pd.DataFrame(
        {"class": label, "low": low, "high": low + BIN, "rows": rows, "probability": f"{low} – {low + BIN} %"}
        for (label, low), rows in sorted(found.items())
    )
    lowest = 100 // len(shades) // BIN * BIN  # nothing less probable is ever predicted
    axis = alt.Axis(labelExpr=charts.NUMBERS["percent"], labelColor=charts.INK, titleColor=charts.INK)
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("low:Q", title="probability of the prediction", scale=alt.Scale(domain=[lowest, 100]), axis=axis),
            x2="high:Q",
            y=charts.number_axis("sum(rows):Q", float(frame["rows"].max()), title="rows", whole=True),
            color=charts.color("class", shades),
            tooltip=["class:N", "probability:N", alt.Tooltip("rows:Q", format=",")],
        )
        .properties(height=HEIGHT)
    )
    sure = sum(share >= 0.9 for _, share in predictions)
    charts.show(
        chart,
        f"How sure the model is: {sure:,} of {len(predictions):,} predictions have a probability of 90 % or more",
    )
