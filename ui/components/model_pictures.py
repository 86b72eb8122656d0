"""Pictures of one or two model versions: metrics, ROC curve, calibration, importance, confusion."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from grafana import colors
from ui.components import charts, markup
from ui.context import Json

SHADES = (colors.SERIES[0], colors.SERIES[3])
CHANCE = "#94a3b8"
HEIGHT = 280
MOST_COLUMNS = 15
HELD_OUT = "On rows the model never saw."


@dataclass(frozen=True)
class Shown:
    """A version with the colour it has in every picture."""

    card: Json
    color: str

    @property
    def name(self) -> str:
        """The version's name."""
        return str(self.card["version"])

    @property
    def diagnostics(self) -> Json:
        """What its pictures show."""
        return dict(self.card.get("diagnostics") or {})


def show(cards: Sequence[Json], metrics: Mapping[str, str], labels: Sequence[str]) -> None:
    """Draw one or two versions; `metrics` and `labels` are the names people read for metrics and classes."""
    versions = [Shown(card, shade) for card, shade in zip(cards, SHADES, strict=False)]
    st.html(markup.legend({version.name: version.color for version in versions}))
    known = [version for version in versions if version.diagnostics]
    pictures: list[Callable[[], None]] = [lambda: _metrics(versions, metrics)]
    if any(version.diagnostics["roc"] for version in known):
        pictures.append(lambda: _roc(known))
    if known:
        pictures += [lambda: _calibration(known), lambda: _importance(known)]
    for number in range(0, len(pictures), 2):
        for place, picture in zip(st.columns(2), pictures[number : number + 2], strict=False):
            with place, st.container(border=True, height="stretch"):
                picture()
    for place, version in zip(st.columns(max(1, len(known))), known, strict=False):
        with place, st.container(border=True):
            _confusion(version, labels)
    for version in versions:
        if not version.diagnostics:
            st.info(
                f"Version `{version.name}` has no curves: it was trained before they were kept. Train it again to see "
                "them.",
                icon=":material/info:",
            )


def _title(text: str, about: str) -> None:
    st.markdown(f"**{text}**", help=about)


def _metrics(versions: Sequence[Shown], metrics: Mapping[str, str]) -> None:
    _title("Metrics with their 95 % intervals", HELD_OUT)
    found = pd.DataFrame(
        [
            {"version": version.name, "metric": metrics.get(name, name), **metric}
            for version in versions
            for name, metric in version.card["metrics"].items()
        ]
    )
    order = list(dict.fromkeys(found["metric"]))
    base = alt.Chart(found).encode(
        y=alt.Y("metric:N", sort=order, title=None, axis=charts.axis(labelLimit=200)),
        yOffset=alt.YOffset("version:N", sort=[version.name for version in versions]),
        color=_color(versions),
        tooltip=[
            "version:N",
            "metric:N",
            *_numbers(".3f", "value", "low", "high"),
        ],
    )
    bars = base.mark_rule(strokeWidth=3).encode(
        x=_share(alt.X, "low:Q", None, max(1.0, float(found["high"].max()))), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(x="value:Q")
    said = "; ".join(
        f"{row['version']}, {row['metric']}: {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        for row in found.to_dict("records")
    )
    charts.show((bars + points).properties(height=HEIGHT), f"Metrics. {said}")


def _roc(versions: Sequence[Shown]) -> None:
    _title("ROC curve", f"{HELD_OUT} The further above the diagonal, the better it tells the classes apart.")
    found = pd.DataFrame(
        [
            {"version": version.name, "place": place, "false": false, "true": true}
            for version in versions
            for place, (false, true) in enumerate(version.diagnostics["roc"])
        ]
    )
    curve = (
        alt.Chart(found)
        .mark_line(strokeWidth=2)
        .encode(
            x=_share(alt.X, "false:Q", "false positive rate"),
            y=_share(alt.Y, "true:Q", "true positive rate"),
            order="place:Q",
            color=_color(versions),
            tooltip=["version:N", *_numbers(".1%", "false", "true")],
        )
    )
    areas = ", ".join(f"{each.name}: {_area(each)}" for each in versions)
    charts.show((_diagonal() + curve).properties(height=HEIGHT), f"ROC curve; area under it {areas}")


def _area(version: Shown) -> str:
    metric = version.card["metrics"].get("roc_auc")
    return "unknown" if metric is None else f"{metric['value']:.3f}"


def _calibration(versions: Sequence[Shown]) -> None:
    _title(
        "Calibration",
        f"{HELD_OUT} How often it happened where the model answered a probability; on the diagonal it is as answered.",
    )
    found = pd.DataFrame(
        [{"version": version.name, **each} for version in versions for each in version.diagnostics["calibration"]]
    )
    base = alt.Chart(found).encode(
        x=_share(alt.X, "answered:Q", "answered probability"),
        color=_color(versions),
        tooltip=["version:N", *_numbers(".1%", "answered", "happened"), "rows:Q"],
    )
    bars = base.mark_rule(opacity=0.5).encode(y=_share(alt.Y, "low:Q", "how often it happened"), y2="high:Q")
    line = base.mark_line(point={"size": 50}).encode(y="happened:Q")
    said = "; ".join(
        f"{row['version']}: {row['answered']:.0%} answered, {row['happened']:.0%} happened"
        for row in found.to_dict("records")
    )
    charts.show((_diagonal() + bars + line).properties(height=HEIGHT), f"Calibration. {said}")


def _importance(versions: Sequence[Shown]) -> None:
    _title(
        "Importance of the columns",
        f"{HELD_OUT} How much accuracy is lost when a column is shuffled, with the extremes of five times.",
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
        color=_color(versions),
        tooltip=[
            "version:N",
            "column:N",
            *_numbers(".1%", "value", "low", "high"),
        ],
    )
    bars = base.mark_bar().encode(x=_share(alt.X, "value:Q", "accuracy lost when shuffled", None))
    spread = base.mark_rule(color=charts.INK).encode(x="low:Q", x2="high:Q", color=alt.value(charts.INK))
    said = "; ".join(
        f"{row['version']}, {row['column']}: {100 * row['value']:.1f} points" for row in shown.to_dict("records")
    )
    if len(order) < found["column"].nunique():
        st.caption(f"The {len(order)} most important of {found['column'].nunique()} columns.")
    charts.show((bars + spread).properties(height=HEIGHT), f"Accuracy lost when a column is shuffled. {said}")


def _confusion(version: Shown, labels: Sequence[str]) -> None:
    _title(f"Confusion, {version.name}", f"{HELD_OUT} How many rows of each true class were predicted as which.")
    found = pd.DataFrame(
        [
            {"true": true, "predicted": predicted, "rows": rows, "share": rows / max(1, sum(counts))}
            for true, counts in zip(labels, version.diagnostics["confusion"], strict=True)
            for predicted, rows in zip(labels, counts, strict=True)
        ]
    )
    base = alt.Chart(found).encode(
        x=alt.X(
            "predicted:N", sort=list(labels), title="predicted", axis=alt.Axis(labelAngle=0, labelColor=charts.INK)
        ),
        y=alt.Y("true:N", sort=list(labels), title="true", axis=alt.Axis(labelColor=charts.INK)),
        tooltip=["true:N", "predicted:N", "rows:Q", *_numbers(".1%", "share")],
    )
    cells = base.mark_rect(opacity=0.55).encode(
        color=alt.Color("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=["#ffffff", version.color]))
    )
    numbers = base.mark_text(fontSize=15, color="#0f172a").encode(text=alt.Text("rows:Q", format=","))
    said = "; ".join(f"{row['rows']:,} {row['true']} predicted {row['predicted']}" for row in found.to_dict("records"))
    height = max(200, 44 * len(labels) + 60)
    charts.show((cells + numbers).properties(height=height), f"Confusion of {version.name}: {said}")


def _diagonal() -> alt.Chart:
    ends = pd.DataFrame({"x": [0, 1], "y": [0, 1]})
    drawn: alt.Chart = alt.Chart(ends).mark_line(strokeDash=[4, 4], color=CHANCE).encode(x="x:Q", y="y:Q")
    return drawn


def _share(kind: type[Any], field: str, title: str | None, largest: float | None = 1.0) -> Any:  # noqa: ANN401
    """Return an axis of shares from 0 to `largest`, or as far as there are values."""
    scale = alt.Undefined if largest is None else alt.Scale(domain=[0, largest])
    unit = "percentunit" if title else "short"
    return kind(field, title=title, scale=scale, axis=charts.axis(labelExpr=charts.NUMBERS[unit], tickCount=5))


def _numbers(format_: str, *fields: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{field}:Q", format=format_) for field in fields]


def _color(versions: Sequence[Shown]) -> alt.Color:
    return charts.color("version", {version.name: version.color for version in versions})
