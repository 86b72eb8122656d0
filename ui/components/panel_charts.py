"""Panels of the Grafana dashboards as charts."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd

from ui.components.charts import PALETTE
from ui.panels import COLORS, Panel, View, stat, states, thresholds, unit

COLUMN, ROW = 50, 30  # pixels of one column and one row of Grafana's grid
AXES = {"percent": ".1f", "percentunit": ".0%", "s": "~s", "short": "~s"}
MOST_TABLE_ROWS = 8
WIDEST_CELL = 44
MOST_POINTS = 60

Chart = Any  # charts of every kind; altair types each of them differently


def draw(panel: Panel, frame: pd.DataFrame, view: View) -> Chart:
    """Draw a panel of any kind at its size in Grafana."""
    nothing = frame.empty and panel["type"] != "stat"
    drawn = _message("No data in this time.") if nothing else DRAWN[panel["type"]](panel, frame, view)
    return drawn.properties(width=_width(panel), height=ROW * panel["gridPos"]["h"] - 60)


def _width(panel: Panel) -> int:
    return int(COLUMN * panel["gridPos"]["w"] - 70)


def _message(text: str) -> Chart:
    return alt.Chart(pd.DataFrame({"text": [text]})).mark_text(color=COLORS["text"], fontSize=14).encode(text="text:N")


def _draw_stat(panel: Panel, frame: pd.DataFrame, _view: View) -> Chart:
    text, color = stat(panel, frame)
    base = alt.Chart(pd.DataFrame({"text": [text]})).encode(text="text:N")
    box = base.mark_rect(color=color, cornerRadius=6)
    return box + base.mark_text(fontSize=30, fontWeight="bold", color="white")


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


def _draw_table(panel: Panel, frame: pd.DataFrame, _view: View) -> Chart:
    """Draw a table as text, for pictures; the page shows the rows themselves."""
    lines = [[str(name) for name in frame.columns]]
    lines += [[_cell(value) for value in record] for record in frame.head(MOST_TABLE_ROWS).itertuples(index=False)]
    cells, place = [], 0
    for column in zip(*lines, strict=True):
        cells += [
            {"row": row, "place": place, "text": text[:WIDEST_CELL], "head": row == 0}
            for row, text in enumerate(column)
        ]
        place += min(WIDEST_CELL, max(map(len, column))) + 2
    base = alt.Chart(pd.DataFrame(cells)).encode(
        x=alt.X("place:Q", axis=None, scale=alt.Scale(domain=[0, max(place, 80)], nice=False)),
        y=alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[MOST_TABLE_ROWS + 1, 0], nice=False)),
        text="text:N",
    )
    size = min(10, _width(panel) / place / 0.62)
    style: dict[str, Any] = {"align": "left", "fontSize": size, "font": "monospace"}
    head = base.transform_filter("datum.head").mark_text(**style, fontWeight="bold")
    return alt.layer(head, base.transform_filter("!datum.head").mark_text(**style))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M}"
    return "" if value is None or value != value else str(value)


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
    "stat": _draw_stat,
    "timeseries": _draw_series,
    "state-timeline": _draw_states,
    "barchart": _draw_bars,
    "table": _draw_table,
}
