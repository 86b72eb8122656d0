"""Draw the panels of the Grafana dashboards, from the same files and the same database, without Grafana."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from grafana.macros import expand
from ui.database import Database
from ui.panel_data import as_series, cell, duration

DASHBOARDS = Path(__file__).resolve().parent.parent / "grafana" / "dashboards"
COLORS = {
    "green": "#15803d",
    "orange": "#ea8a0c",
    "red": "#dc2626",
    "dark-red": "#7f1d1d",
    "blue": "#0369a1",
    "text": "#9ca3af",
}
SERIES = ["#0f766e", "#c2570c", "#4338ca", "#be185d", "#4d7c0f", "#0369a1", "#a16207", "#7e22ce"]
COLUMN, ROW = 50, 30  # pixels of one column and one row of Grafana's grid
FORMATS = {"percent": ".1f", "percentunit": ".0%", "s": "~s", "short": "~s", "reqps": "~s"}
MOST_TABLE_ROWS = 8
WIDEST_CELL = 44
MOST_POINTS = 60

Chart = Any  # charts of every kind; altair types each of them differently
Step = tuple[float | None, str]


@dataclass(frozen=True)
class View:
    """What a dashboard is looked at with: a time range and the values of its variables."""

    start: datetime
    end: datetime
    variables: Mapping[str, str]


def dashboard(uid: str) -> dict[str, Any]:
    """Return a dashboard as Grafana reads it."""
    loaded: dict[str, Any] = json.loads((DASHBOARDS / f"{uid}.json").read_text(encoding="utf-8"))
    return loaded


def title(panel: Mapping[str, Any], view: View) -> str:
    """Return a panel's title with its variables filled in."""
    text = str(panel["title"])
    for name, value in view.variables.items():
        text = text.replace(f"${name}", value)
    return text


def data(panel: Mapping[str, Any], database: Database, view: View) -> pd.DataFrame:
    """Run a panel's queries; raise DatabaseAwayError. Series come as rows of time, metric, value."""
    frames = [
        as_series(database.frame(expand(target["rawSql"], view.start, view.end, view.variables)), target["format"])
        for target in panel["targets"]
    ]
    filled = [frame for frame in frames if not frame.empty]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def draw(panel: Mapping[str, Any], frame: pd.DataFrame, view: View) -> Chart:
    """Draw a panel of any kind."""
    if frame.empty and panel["type"] != "stat":
        return _message("No data in this time.", panel)
    return DRAWN[panel["type"]](panel, frame, view)


def steps(panel: Mapping[str, Any]) -> list[Step]:
    """Return the thresholds of a panel: from which value on it has which colour."""
    found = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [(step["value"], COLORS.get(step["color"], step["color"])) for step in found]


def color_of(value: float | None, known: Sequence[Step]) -> str:
    """Return the colour of a value."""
    if value is None:
        return COLORS["text"]
    return [color for bound, color in known if bound is None or value >= bound][-1]


def written(value: float | None, unit: str) -> str:
    """Write a number with its unit."""
    if value is None or pd.isna(value):
        return "no data"
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "percent":
        return f"{value:.1f} %"
    if unit == "s":
        return duration(value)
    return f"{value:,.1f}".removesuffix(".0")


def _draw_stat(panel: Mapping[str, Any], frame: pd.DataFrame, _view: View) -> Chart:
    value = float(frame["value"].iloc[-1]) if len(frame) else None
    text = _named(panel, value) or written(value, panel["fieldConfig"]["defaults"]["unit"])
    color = color_of(value, steps(panel))
    base = alt.Chart(pd.DataFrame({"text": [text]})).encode(text="text:N")
    box = base.mark_rect(color=color, cornerRadius=6)
    return _sized(box + base.mark_text(fontSize=30, fontWeight="bold", color="white"), panel)


def _named(panel: Mapping[str, Any], value: float | None) -> str:
    """Return the text a panel maps a value to, if it does."""
    mappings = panel["fieldConfig"]["defaults"].get("mappings") or [{"options": {}}]
    options = mappings[0]["options"]
    return str(options.get(f"{value:g}", {}).get("text", "")) if value is not None else ""


def _draw_series(panel: Mapping[str, Any], frame: pd.DataFrame, view: View) -> Chart:
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    unit = panel["fieldConfig"]["defaults"]["unit"]
    names = sorted(frame["metric"].unique())
    base = alt.Chart(frame).encode(
        x=alt.X("time:T", title=None, scale=alt.Scale(domain=[view.start.isoformat(), view.end.isoformat()])),
        color=alt.Color("metric:N", title=None, scale=alt.Scale(domain=names, range=SERIES), legend=_legend()),
        tooltip=["time:T", "metric:N", alt.Tooltip("value:Q", format=FORMATS[unit])],
    )
    if custom.get("drawStyle") == "bars":
        width = max(2, min(14, COLUMN * panel["gridPos"]["w"] // (2 * max(1, frame["time"].nunique()))))
        return _sized(base.mark_bar(size=width).encode(y=_axis("sum(value):Q", unit)), panel)
    # The colour of a series does not depend on whether it is training or serving; how it is drawn does.
    dashed = alt.condition("test(/low|high|training/, datum.metric)", alt.value([5, 4]), alt.value([1, 0]))
    points = {"size": 25} if frame["time"].nunique() <= MOST_POINTS else False
    line = base.mark_line(point=points).encode(y=_axis("value:Q", unit), strokeDash=dashed)
    return _sized(alt.layer(line, *_limit_lines(panel, frame)), panel)


def _limit_lines(panel: Mapping[str, Any], frame: pd.DataFrame) -> list[alt.Chart]:
    if panel["fieldConfig"]["defaults"].get("custom", {}).get("thresholdsStyle", {}).get("mode") != "dashed":
        return []
    known = [(value, color) for value, color in steps(panel) if value is not None]
    largest = float(frame["value"].max())
    shown = [(value, color) for value, color in known if value <= 1.5 * largest] or known[:1]
    return [
        alt.Chart(pd.DataFrame({"value": [value]})).mark_rule(strokeDash=[6, 4], color=color).encode(y="value:Q")
        for value, color in shown
    ]


def _draw_states(panel: Mapping[str, Any], frame: pd.DataFrame, view: View) -> Chart:
    options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    named = {int(code): (each["text"], COLORS[each["color"]]) for code, each in options.items()}
    frame = frame.sort_values(["metric", "time"])
    spans = frame.assign(
        until=frame.groupby("metric")["time"].shift(-1).fillna(pd.Timestamp(view.end)),
        state=frame["value"].astype(int).map(lambda code: named[code][0]),
    )
    texts, colors = zip(*named.values(), strict=True)
    chart = (
        alt.Chart(spans)
        .mark_bar(height={"band": 0.8})
        .encode(
            x=alt.X("time:T", title=None, scale=alt.Scale(domain=[view.start.isoformat(), view.end.isoformat()])),
            x2="until:T",
            y=alt.Y("metric:N", title=None),
            color=alt.Color(
                "state:N", title=None, scale=alt.Scale(domain=list(texts), range=list(colors)), legend=_legend()
            ),
            tooltip=["metric:N", "state:N", "time:T"],
        )
    )
    return _sized(chart, panel)


def _draw_bars(panel: Mapping[str, Any], frame: pd.DataFrame, _view: View) -> Chart:
    label, *names = frame.columns
    order = list(frame[label])
    long = frame.melt(label, var_name="of", value_name="share").assign(share=lambda each: pd.to_numeric(each["share"]))
    long = long.rename(columns={label: "bin"})
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X("bin:N", sort=order, title=None, axis=alt.Axis(labelAngle=-30)),
            xOffset=alt.XOffset("of:N", sort=names),
            y=_axis("share:Q", panel["fieldConfig"]["defaults"]["unit"]),
            color=alt.Color(
                "of:N", title=None, sort=names, scale=alt.Scale(range=[SERIES[5], SERIES[1]]), legend=_legend()
            ),
            tooltip=["bin:N", "of:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    return _sized(chart, panel)


def _draw_table(panel: Mapping[str, Any], frame: pd.DataFrame, _view: View) -> Chart:
    """Draw a table as text, for pictures; the page shows the rows themselves."""
    lines = [[str(name) for name in frame.columns]]
    lines += [[cell(value) for value in record] for record in frame.head(MOST_TABLE_ROWS).itertuples(index=False)]
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
    width = COLUMN * panel["gridPos"]["w"] - 70
    style: dict[str, Any] = {"align": "left", "fontSize": min(10, width / place / 0.62), "font": "monospace"}
    head = base.transform_filter("datum.head").mark_text(**style, fontWeight="bold")
    return _sized(alt.layer(head, base.transform_filter("!datum.head").mark_text(**style)), panel)


def _message(text: str, panel: Mapping[str, Any]) -> Chart:
    chart = alt.Chart(pd.DataFrame({"text": [text]})).mark_text(color=COLORS["text"], fontSize=14)
    return _sized(chart.encode(text="text:N"), panel)


def _axis(field: str, unit: str) -> alt.Y:
    return alt.Y(field, title=None, axis=alt.Axis(format=FORMATS[unit], tickCount=5))


def _legend() -> alt.Legend:
    return alt.Legend(orient="bottom", columns=5, labelLimit=160)


def _sized(chart: Chart, panel: Mapping[str, Any]) -> Chart:
    place = panel["gridPos"]
    sized: Chart = chart.properties(width=COLUMN * place["w"] - 70, height=ROW * place["h"] - 60)
    return sized


DRAWN: Mapping[str, Callable[[Mapping[str, Any], pd.DataFrame, View], Chart]] = {
    "stat": _draw_stat,
    "timeseries": _draw_series,
    "state-timeline": _draw_states,
    "barchart": _draw_bars,
    "table": _draw_table,
}
