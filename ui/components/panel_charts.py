"""Panels of the Grafana dashboards as charts."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import altair as alt
import pandas as pd

from ui.components.charts import PALETTE
from ui.panels import Panel, View, states, thresholds, unit

COLUMN, ROW = 50, 30  # pixels of one column and one row of Grafana's grid
AXES = {"percent": ".1f", "percentunit": ".0%", "s": "~s", "short": "~s"}
MOST_POINTS = 60

Chart = Any  # charts of every kind; altair types each of them differently


def draw(panel: Panel, frame: pd.DataFrame, view: View) -> Chart:
    """Draw what a panel's queries found, one row at least, as high as in Grafana."""
    return DRAWN[panel["type"]](panel, frame, view).properties(height=ROW * panel["gridPos"]["h"])


def _draw_series(panel: Panel, frame: pd.DataFrame, view: View) -> Chart:
    format_ = AXES[unit(panel)]
    base = alt.Chart(frame).encode(
        x=_time(view),
        color=_color("metric", sorted(frame["metric"].unique()), PALETTE),
        tooltip=["time:T", "metric:N", alt.Tooltip("value:Q", format=format_)],
    )
    if _custom(panel).get("drawStyle") == "bars":
        width = max(2, min(14, COLUMN * panel["gridPos"]["w"] // (2 * max(1, frame["time"].nunique()))))
        return base.mark_bar(size=width).encode(y=_axis("sum(value):Q", format_))
    # The colour of a series does not depend on whether it is training or serving; how it is drawn does.
    dashed = alt.condition("test(/low|high|training/, datum.metric)", alt.value([5, 4]), alt.value([1, 0]))
    points = {"size": 25} if frame["time"].nunique() <= MOST_POINTS else False
    line = base.mark_line(point=points).encode(y=_axis("value:Q", format_), strokeDash=dashed)
    return alt.layer(line, *_limit_lines(panel, float(frame["value"].max())))


def _limit_lines(panel: Panel, largest: float) -> list[alt.Chart]:
    if _custom(panel).get("thresholdsStyle", {}).get("mode") != "dashed":
        return []
    known = [(value, color) for value, color in thresholds(panel) if value is not None]
    shown = [(value, color) for value, color in known if value <= 1.5 * largest] or known[:1]
    return [
        alt.Chart(pd.DataFrame({"value": [value]})).mark_rule(strokeDash=[6, 4], color=color).encode(y="value:Q")
        for value, color in shown
    ]


def _draw_states(panel: Panel, frame: pd.DataFrame, view: View) -> Chart:
    named = states(panel)
    frame = frame.sort_values(["metric", "time"])
    spans = frame.assign(
        until=frame.groupby("metric")["time"].shift(-1).fillna(pd.Timestamp(view.end)),
        state=frame["value"].astype(int).map(lambda code: named[code][0]),
    )
    texts, colors = zip(*named.values(), strict=True)
    return (
        alt.Chart(spans)
        .mark_bar(height={"band": 0.8})
        .encode(
            x=_time(view),
            x2="until:T",
            y=alt.Y("metric:N", title=None),
            color=_color("state", texts, colors),
            tooltip=["metric:N", "state:N", "time:T"],
        )
    )


def _draw_bars(panel: Panel, frame: pd.DataFrame, _view: View) -> Chart:
    label, *names = frame.columns
    order = list(frame[label])
    long = frame.melt(label, var_name="of", value_name="share").assign(share=lambda each: pd.to_numeric(each["share"]))
    return (
        alt.Chart(long.rename(columns={label: "bin"}))
        .mark_bar()
        .encode(
            x=alt.X("bin:N", sort=order, title=None, axis=alt.Axis(labelAngle=-30)),
            xOffset=alt.XOffset("of:N", sort=names),
            y=_axis("share:Q", AXES[unit(panel)]),
            color=_color("of", names, [PALETTE[5], PALETTE[1]]),
            tooltip=["bin:N", "of:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )


def _custom(panel: Panel) -> Mapping[str, Any]:
    return dict(panel["fieldConfig"]["defaults"].get("custom", {}))


def _time(view: View) -> alt.X:
    return alt.X("time:T", title=None, scale=alt.Scale(domain=[view.start.isoformat(), view.end.isoformat()]))


def _axis(field: str, format_: str) -> alt.Y:
    return alt.Y(field, title=None, axis=alt.Axis(format=format_, tickCount=5))


def _color(field: str, names: Iterable[str], colors: Iterable[str]) -> alt.Color:
    legend = alt.Legend(orient="bottom", columns=5, labelLimit=160)
    return alt.Color(f"{field}:N", title=None, scale=alt.Scale(domain=list(names), range=list(colors)), legend=legend)


DRAWN: Mapping[str, Callable[[Panel, pd.DataFrame, View], Chart]] = {
    "timeseries": _draw_series,
    "state-timeline": _draw_states,
    "barchart": _draw_bars,
}
