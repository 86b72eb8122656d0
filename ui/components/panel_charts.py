"""Panels of the Grafana dashboards as charts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from grafana import colors
from ui.components import charts
from ui.panels import Panel, View, series_colors, states, thresholds, unit, written

COLUMN, ROW = 50, 30  # pixels of one column and one row of Grafana's grid
MOST_POINTS, MOST_SERIES, MOST_STATES = 60, 6, 20
TRAINING, LOW, HIGH = " (training)", ", low", ", high"
OTHERS = "others"
IS_TRAINING = "test(/\\(training\\)$/, datum.metric)"

Chart = Any  # charts of every kind; altair types each of them differently


@dataclass(frozen=True)
class Drawn:
    """A chart, what its colours mean, what else has to be said of it, and its numbers for those who cannot see it."""

    chart: Chart
    shades: Mapping[str, str]
    note: str = ""
    said: str = ""


def draw(panel: Panel, frame: pd.DataFrame, view: View) -> Drawn:
    """Draw what a panel's queries found, one row at least."""
    return DRAWN[panel["type"]](panel, frame, view)


def _draw_series(panel: Panel, frame: pd.DataFrame, view: View) -> Drawn:
    if _custom(panel).get("drawStyle") == "bars":
        return _draw_bars_over_time(panel, frame, view)
    frame, left_out = _largest(frame.assign(series=frame["metric"].map(_series_of)))
    shades = _shades(panel, frame)
    frame = frame.assign(time=charts.wall_clock(frame["time"]))
    band, lines = _bands(frame), frame[~frame["metric"].str.endswith((LOW, HIGH))]
    y = charts.number_axis("value:Q", float(frame["value"].max()), unit(panel), zero=band.empty)
    base = alt.Chart(lines).encode(x=charts.time_axis((view.start, view.end)), color=charts.color("series", shades))
    points = {"size": 25} if lines["time"].nunique() <= MOST_POINTS else False
    line = base.mark_line(point=points).encode(
        detail="metric:N",
        y=y,
        strokeDash=alt.condition(IS_TRAINING, alt.value([5, 4]), alt.value([1, 0])),
        tooltip=[charts.time_tip(), "metric:N", alt.Tooltip("value:Q", format=".4~r")],
    )
    around = (
        alt.Chart(band)
        .mark_area(opacity=0.2)
        .encode(x=charts.time_axis((view.start, view.end)), y=y, y2="high:Q", color=charts.color("series", shades))
    )
    layers = [*([] if band.empty else [around]), line, *_limit_lines(panel, float(frame["value"].max()))]
    notes = [
        "dashed: training" if frame["metric"].str.endswith(TRAINING).any() else "",
        "shaded: 95 % interval" if not band.empty else "",
        f"others: the highest of {left_out} at each time" if left_out else "",
    ]
    last = frame.sort_values("time").groupby("metric")["value"].last()
    said = f"Last: {_listed(last, panel)}"
    return Drawn(_high(alt.layer(*layers), panel), shades, "; ".join(filter(None, notes)), said)


def _draw_bars_over_time(panel: Panel, frame: pd.DataFrame, view: View) -> Drawn:
    totals = frame.groupby("metric")["value"].sum().sort_values(ascending=False)
    if len(totals) > MOST_SERIES + 1:
        frame = frame.assign(metric=frame["metric"].where(frame["metric"].isin(totals.index[:MOST_SERIES]), OTHERS))
        frame = frame.groupby(["time", "metric"])[["value"]].sum().reset_index()
    frame = frame.rename(columns={"metric": "series"})
    shades = _shades(panel, frame)
    width = max(2, min(14, COLUMN * panel["gridPos"]["w"] // (2 * max(1, frame["time"].nunique()))))
    chart = (
        alt.Chart(frame.assign(time=charts.wall_clock(frame["time"])))
        .mark_bar(size=width)
        .encode(
            x=charts.time_axis((view.start, view.end)),
            y=charts.number_axis("sum(value):Q", float(frame["value"].max()), unit(panel), whole=True),
            color=charts.color("series", shades),
            tooltip=[charts.time_tip(), "series:N", alt.Tooltip("value:Q", format=",.4~r")],
        )
    )
    left_out = len(totals) - MOST_SERIES
    note = f"others: {left_out} more" if OTHERS in shades else ""
    return Drawn(_high(chart, panel), shades, note, f"In all: {_listed(totals[:MOST_SERIES], panel)}")


def _listed(values: "pd.Series[Any]", panel: Panel) -> str:
    return ", ".join(f"{name} {written(float(value), panel)}" for name, value in values.items())


def _series_of(metric: str) -> str:
    return metric.removesuffix(TRAINING).removesuffix(LOW).removesuffix(HIGH)


def _largest(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Keep the series with the highest values; of all others, keep the highest at each time."""
    peaks = frame.groupby("series")["value"].max().sort_values(ascending=False)
    if len(peaks) <= MOST_SERIES + 1:
        return frame, 0
    kept = frame["series"].isin(peaks.index[:MOST_SERIES])
    plain = ~kept & (frame["metric"] == frame["series"])
    others = frame[plain].groupby("time", as_index=False)["value"].max().assign(metric=OTHERS, series=OTHERS)
    return pd.concat([frame[kept], others], ignore_index=True), len(peaks) - MOST_SERIES


def _bands(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row a series and time with the bounds `value` and `high`."""
    keyed = frame.set_index(["series", "time"])
    low, high = (keyed.loc[keyed["metric"].str.endswith(end), "value"] for end in (LOW, HIGH))
    return pd.DataFrame({"value": low, "high": high}).dropna().reset_index()


def _shades(panel: Panel, frame: pd.DataFrame) -> dict[str, str]:
    known = series_colors(panel)
    names = [*known, *sorted({*frame["series"]} - {*known, OTHERS}), OTHERS]
    shades = {**colors.of(names), **known}
    present = {*frame["series"]}
    return {name: shades[name] for name in names if name in present}


def _limit_lines(panel: Panel, largest: float) -> list[alt.Chart]:
    if _custom(panel).get("thresholdsStyle", {}).get("mode") != "dashed":
        return []
    known = [(value, color) for value, color in thresholds(panel) if value is not None]
    shown = [(value, color) for value, color in known if value <= 1.5 * largest] or known[:1]
    return [
        alt.Chart(pd.DataFrame({"value": [value]})).mark_rule(strokeDash=[6, 4], color=color).encode(y="value:Q")
        for value, color in shown
    ]


def _draw_states(panel: Panel, frame: pd.DataFrame, view: View) -> Drawn:
    named = states(panel)
    worst = frame.groupby("metric")["value"].agg(["max", "mean"]).sort_values(["max", "mean"], ascending=False)
    order = list(worst.index[:MOST_STATES])
    frame = frame[frame["metric"].isin(order)].sort_values(["metric", "time"])
    until = frame.groupby("metric")["time"].shift(-1).fillna(pd.Timestamp(view.end))
    spans = frame.assign(
        time=charts.wall_clock(frame["time"]),
        until=charts.wall_clock(until),
        state=frame["value"].astype(int).map(lambda code: named[code][0]),
    )
    shades = dict(named.values())
    chart = (
        alt.Chart(spans)
        .mark_bar(height={"band": 0.8})
        .encode(
            x=charts.time_axis((view.start, view.end)),
            x2="until:T",
            y=alt.Y("metric:N", title=None, sort=order, axis=alt.Axis(labelOverlap=False, labelColor=charts.INK)),
            color=charts.color("state", shades),
            tooltip=["metric:N", "state:N", charts.time_tip()],
        )
        .properties(height=28 * len(order) + 60)
    )
    note = f"the {len(order)} of {len(worst)} columns that drifted most" if len(worst) > len(order) else ""
    now = spans.groupby("metric")["state"].last()
    return Drawn(chart, shades, note, "Now: " + ", ".join(f"{name} {now[name]}" for name in order))


def _draw_bars(panel: Panel, frame: pd.DataFrame, _view: View) -> Drawn:
    label, *names = frame.columns
    order = [str(name) for name in frame[label]]
    long = frame.melt(label, var_name="of", value_name="share").assign(share=lambda each: pd.to_numeric(each["share"]))
    shades = dict(zip(names, (colors.REFERENCE, colors.NOW), strict=True))
    chart = (
        alt.Chart(long.rename(columns={label: "bin"}))
        .mark_bar()
        .encode(
            x=alt.X("bin:N", sort=order, title=None, axis=alt.Axis(labelAngle=-30, labelColor=charts.INK)),
            xOffset=alt.XOffset("of:N", sort=names),
            y=charts.number_axis("share:Q", float(long["share"].max()), unit(panel)),
            color=charts.color("of", shades),
            tooltip=["bin:N", "of:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    said = "; ".join(
        f"{row['bin']}: {row['of']} {written(float(row['share']), panel)}"
        for row in long.rename(columns={label: "bin"}).dropna(subset="share").to_dict("records")
    )
    return Drawn(_high(chart, panel), shades, said=said)


def _high(chart: Chart, panel: Panel) -> Chart:
    return chart.properties(height=ROW * panel["gridPos"]["h"])


def _custom(panel: Panel) -> Mapping[str, Any]:
    return dict(panel["fieldConfig"]["defaults"].get("custom", {}))


DRAWN: Mapping[str, Callable[[Panel, pd.DataFrame, View], Drawn]] = {
    "timeseries": _draw_series,
    "state-timeline": _draw_states,
    "barchart": _draw_bars,
}
