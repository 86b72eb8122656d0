"""The panels of the Grafana dashboards, read from the files that Grafana reads and run on the same database."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from grafana import colors
from grafana.macros import expand
from ui.database import ReaderDatabase
from ui.drift import NAMES

DASHBOARDS = Path(__file__).resolve().parent.parent / "grafana" / "dashboards"
Panel = Mapping[str, Any]
Dashboard = Mapping[str, Any]


@dataclass(frozen=True)
class View:
    """What a dashboard is looked at with: a time range and the values of its variables."""

    start: datetime
    end: datetime
    variables: Mapping[str, str]

    def expand(self, sql: str) -> str:
        """Return a query of a dashboard as plain SQL."""
        return expand(sql, self.start, self.end, self.variables)


@cache
def dashboards() -> Mapping[str, Dashboard]:
    """Return the dashboards that read the database, by uid."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}
    return {uid: board for uid, board in found.items() if variable(board, "database")}


def variable(board: Dashboard, name: str) -> Mapping[str, Any] | None:
    """Return a variable of a dashboard, if it has one of this name."""
    return next((each for each in board["templating"]["list"] if each["name"] == name), None)


def lines(board: Dashboard) -> list[list[Panel]]:
    """Return the panels line by line, from left to right."""
    ordered = sorted(board["panels"], key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    return [list(line) for _, line in groupby(ordered, key=lambda panel: panel["gridPos"]["y"])]


def title(panel: Panel, view: View) -> str:
    """Return a panel's title with its variables filled in."""
    text = str(panel["title"])
    for name, value in view.variables.items():
        text = text.replace(f"${name}", NAMES.get(value, value))
    return text


def data(panel: Panel, database: ReaderDatabase, view: View) -> pd.DataFrame:
    """Run a panel's queries; raise UiError. Series come as rows of time, metric, value."""
    frames = [as_series(database.frame(view.expand(each["rawSql"])), each["format"]) for each in panel["targets"]]
    filled = [frame for frame in frames if not frame.empty]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def as_series(frame: pd.DataFrame, shape: str) -> pd.DataFrame:
    """Turn one column per series into one row per value, as Grafana does the other way round."""
    if shape != "time_series":
        return frame
    times = frame["time"]
    as_seconds = pd.api.types.is_numeric_dtype(times) or times.map(lambda each: not isinstance(each, datetime)).all()
    numbers = pd.to_numeric(times) if as_seconds else times
    frame = frame.assign(time=pd.to_datetime(numbers, unit="s" if as_seconds else None, utc=True))
    if "metric" not in frame:
        frame = frame.melt("time", var_name="metric", value_name="value")
    return frame.assign(value=pd.to_numeric(frame["value"], errors="coerce")).dropna(subset="value")


def unit(panel: Panel) -> str:
    """Return the unit of a panel's values."""
    return str(panel["fieldConfig"]["defaults"]["unit"])


def thresholds(panel: Panel) -> list[tuple[float | None, str]]:
    """Return from which value on a panel has which colour; the first colour has no bound."""
    steps: Iterable[Mapping[str, Any]] = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [(step["value"], step["color"]) for step in steps]


def states(panel: Panel) -> dict[int, tuple[str, str]]:
    """Return the text and the colour of each code that a panel shows as a text."""
    mappings = panel["fieldConfig"]["defaults"].get("mappings") or [{"options": {}}]
    return {int(code): (each["text"], each["color"]) for code, each in mappings[0]["options"].items()}


def series_colors(panel: Panel) -> dict[str, str]:
    """Return the colours of the series whose names are known beforehand."""
    return {
        each["matcher"]["options"]: value["value"]["fixedColor"]
        for each in panel["fieldConfig"]["overrides"]
        for value in each["properties"]
        if value["id"] == "color"
    }


def words(panel: Panel) -> dict[str, dict[str, str]]:
    """Return the colours of the words in columns of a table, by column and word."""
    return {
        each["matcher"]["options"]: {word: shown["color"] for word, shown in value["value"][0]["options"].items()}
        for each in panel["fieldConfig"]["overrides"]
        for value in each["properties"]
        if value["id"] == "mappings"
    }


def links(panel: Panel) -> dict[str, str]:
    """Return where the cells of columns of a table lead to in this page; `{}` stands for the cell."""
    return {
        each["matcher"]["options"]: value["value"][0]["url"].replace("${page}", "").replace("${__value.raw}", "{}")
        for each in panel["fieldConfig"]["overrides"]
        for value in each["properties"]
        if value["id"] == "links"
    }


def stat(panel: Panel, frame: pd.DataFrame) -> tuple[str, str]:
    """Return the text and the colour of a panel that shows one number."""
    if frame.empty:
        return "no data", colors.UNKNOWN
    value = float(frame["value"].iloc[-1])
    color = [color for bound, color in thresholds(panel) if bound is None or value >= bound][-1]
    return states(panel).get(int(value), (written(value, panel), color))


def written(value: float, panel: Panel) -> str:
    """Write one of a panel's values with its unit."""
    return WRITTEN[unit(panel)](value)


def _duration(seconds: float) -> str:
    """Write a time span in its largest unit."""
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


WRITTEN: Mapping[str, Callable[[float], str]] = {
    "percent": "{:.1f} %".format,
    "percentunit": lambda share: f"{100 * share:.1f} %",
    "s": _duration,
    "short": lambda value: f"{value:,.1f}".removesuffix(".0") if abs(value) >= 1 or not value else f"{value:.2g}",
}
