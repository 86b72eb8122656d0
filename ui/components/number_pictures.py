"""Pictures of one or two versions of a regression: metrics, predicted beside true numbers, errors, importance."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd
import streamlit as st

from ui import numbers
from ui.components import charts, markup, tables
from ui.components.model_pictures import CHANCE, HEIGHT, HELD_OUT, MOST_COLUMNS, SHADES, Shown
from ui.context import Json

NO_CURVES = "There are no curves of this version."


def show(cards: Sequence[Json], metrics: Mapping[str, str], definition: Json) -> None:
    """Draw one or two versions; `metrics` are the names people read."""
    versions = [Shown(card, shade) for card, shade in zip(cards, SHADES, strict=False)]
    unit = definition["target"]["unit"]
    st.html(markup.legend({version.name: version.color for version in versions}))
    _metrics(versions, metrics, definition)
    known = [version for version in versions if version.diagnostics]
    if not known:
        st.info(NO_CURVES, icon=":material/info:")
        return
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        _predicted_and_true(known, unit)
    with right, st.container(border=True, height="stretch"):
        _errors(known, unit)
    with st.container(border=True):
        _importance(known, unit)


def _metrics(versions: Sequence[Shown], metrics: Mapping[str, str], definition: Json) -> None:
    st.markdown("**Metrics with their 95 % intervals**", help=HELD_OUT)
    rows = [
        {"metric": title, **{each.name: written(definition, name, each.card["metrics"].get(name)) for each in versions}}
        for name, title in metrics.items()
        if any(name in each.card["metrics"] for each in versions)
    ]
    tables.show(pd.DataFrame(rows), "Metrics of the versions on held-out rows")


def written(definition: Json, name: str, metric: Json | None) -> str | None:
    """Write a metric with its interval: shares as percentages, errors in the target's unit."""
    if metric is None:
        return None
    value, low, high = (metric[end] for end in ("value", "low", "high"))
    if name == "coverage":
        return f"{100 * value:.1f} % ({100 * low:.1f} – {100 * high:.1f})"
    if name == "r2":
        return f"{value:.3f} ({low:.3f} – {high:.3f})"
    return f"{numbers.with_unit(definition, value)} ({numbers.rounded(low)} – {numbers.rounded(high)})"


def _predicted_and_true(versions: Sequence[Shown], unit: str) -> None:
    st.markdown(
        "**Predicted and true**",
        help=f"{HELD_OUT} Rows of about the same predicted number: the mean of their true ones, with its 95 % "
        "interval; on the diagonal it is as predicted.",
    )
    found = pd.DataFrame(
        [{"version": version.name, **each} for version in versions for each in version.diagnostics["calibration"]]
    )
    ends = [min(found["answered"].min(), found["low"].min()), max(found["answered"].max(), found["high"].max())]
    diagonal = (
        alt.Chart(pd.DataFrame({"x": ends, "y": ends}))
        .mark_line(strokeDash=[4, 4], color=CHANCE)
        .encode(x=alt.X("x:Q", scale=alt.Scale(zero=False)), y=alt.Y("y:Q", scale=alt.Scale(zero=False)))
    )
    base = alt.Chart(found).encode(
        x=alt.X("answered:Q", title=_title("predicted", unit), axis=_numbers()),
        color=_color(versions),
        tooltip=["version:N", *_tips("answered", "happened", "low", "high"), "rows:Q"],
    )
    bars = base.mark_rule(opacity=0.5).encode(
        y=alt.Y("low:Q", title=_title("true", unit), axis=_numbers()), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(y="happened:Q")
    said = "; ".join(
        f"{row['version']}: {row['answered']:,.4g} predicted, {row['happened']:,.4g} true"
        for row in found.to_dict("records")
    )
    charts.show((diagonal + bars + points).properties(height=HEIGHT), f"Predicted and true numbers. {said}")


def _errors(versions: Sequence[Shown], unit: str) -> None:
    st.markdown("**Errors**", help=f"{HELD_OUT} The true number less the predicted one; right of 0 it was too low.")
    found = pd.DataFrame(
        [
            {"version": version.name, "low": low, "high": high, "rows": rows}
            for version in versions
            for low, high, rows in version.diagnostics["residuals"]
        ]
    )
    chart = (
        alt.Chart(found)
        .mark_bar(opacity=0.6)
        .encode(
            x=alt.X("low:Q", title=_title("true less predicted", unit), axis=_numbers()),
            x2="high:Q",
            y=alt.Y("rows:Q", title="rows", stack=None, axis=_numbers()),
            y2=alt.datum(0),
            color=_color(versions),
            tooltip=["version:N", *_tips("low", "high"), "rows:Q"],
        )
    )
    said = "; ".join(
        f"{row['version']}, {row['low']:,.4g} to {row['high']:,.4g}: {row['rows']:,} rows"
        for row in found.to_dict("records")
    )
    charts.show(chart.properties(height=HEIGHT), f"Errors. {said}")


def _importance(versions: Sequence[Shown], unit: str) -> None:
    st.markdown(
        "**Importance of the columns**",
        help=f"{HELD_OUT} How much the mean absolute error rises when a column is shuffled, with the extremes of five "
        "times.",
    )
    found = pd.DataFrame(
        [
            {"version": version.name, "column": name, **metric}
            for version in versions
            for name, metric in version.diagnostics["importance"].items()
        ]
    )
    order = list(found.groupby("column")["value"].max().sort_values(ascending=False).index[:MOST_COLUMNS])
    shown = found[found["column"].isin(order)]
    base = alt.Chart(shown).encode(
        y=alt.Y("column:N", sort=order, title=None, axis=charts.axis(labelLimit=200)),
        yOffset=alt.YOffset("version:N", sort=[version.name for version in versions]),
        tooltip=["version:N", "column:N", *_tips("value", "low", "high")],
    )
    axis = alt.X("value:Q", title=_title("error added when shuffled", unit), axis=_numbers())
    bars = base.mark_bar().encode(x=axis, color=_color(versions))
    spread = base.mark_rule().encode(x="low:Q", x2="high:Q", color=alt.value(charts.INK))
    said = "; ".join(f"{row['version']}, {row['column']}: {row['value']:,.3g}" for row in shown.to_dict("records"))
    charts.show((bars + spread).properties(height=HEIGHT), f"Error added when a column is shuffled. {said}")


def _title(text: str, unit: str) -> str:
    return f"{text} ({unit})" if unit else text


def _numbers() -> alt.Axis:
    return charts.axis(labelExpr=charts.NUMBERS["short"], tickCount=5)


def _tips(*fields: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{field}:Q", format=",.4~g") for field in fields]


def _color(versions: Sequence[Shown]) -> alt.Color:
    return charts.color("version", {version.name: version.color for version in versions})
