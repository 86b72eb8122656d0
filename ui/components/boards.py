"""A Grafana dashboard drawn in the page, from the file Grafana reads."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import pandas as pd
import streamlit as st

from ui import context, panels
from ui.components import charts, markup, tables
from ui.components.markup import Stat
from ui.errors import UiError
from ui.panels import View

BOARDS = {"tabserve-data": "Ingested data", "tabserve-predictions": "Drift and predictions"}
FEATURES = """
SELECT DISTINCT feature FROM drift_metrics WHERE use_case = :use_case ORDER BY feature DESC
"""
WHOLE_WIDTH = 24
Panel = Mapping[str, Any]


def show(uid: str, view: View) -> None:
    """Draw all panels of a dashboard, in its order."""
    board = panels.dashboard(uid)
    view = _with_feature(board, view)
    for line in lines(board["panels"]):
        if all(panel["type"] == "stat" for panel in line):
            st.html(markup.stats([_stat(panel, view) for panel in line]))
        else:
            _show_line(line, view)


def lines(found: Iterable[Panel]) -> list[list[Panel]]:
    """Return the panels line by line, from left to right."""
    ordered = sorted(found, key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    return [list(line) for _, line in groupby(ordered, key=lambda panel: panel["gridPos"]["y"])]


def _with_feature(board: Mapping[str, Any], view: View) -> View:
    if not any(variable["name"] == "feature" for variable in board["templating"]["list"]):
        return view
    features = list(context.database().frame(FEATURES, use_case=view.variables["use_case"])["feature"])
    chosen = st.selectbox("Column", features or ["–"], key="drift_feature", width=260)
    return View(view.start, view.end, {**view.variables, "feature": str(chosen)})


def _stat(panel: Panel, view: View) -> Stat:
    try:
        frame = panels.data(panel, context.database(), view)
    except UiError as error:
        return Stat(panels.title(panel, view), error.what, panels.COLORS["text"])
    value = float(frame["value"].iloc[-1]) if len(frame) else None
    text = panels.written(value, panel["fieldConfig"]["defaults"]["unit"])
    return Stat(panels.title(panel, view), text, panels.color_of(value, panels.steps(panel)))


def _show_line(line: Sequence[Panel], view: View) -> None:
    for place, panel in zip(st.columns([panel["gridPos"]["w"] for panel in line]), line, strict=True):
        with place, st.container(border=True):
            title = panels.title(panel, view)
            st.markdown(f"**{markup.plain(title)}**", help=panel.get("description"))
            _show_panel(panel, title, view)


def _show_panel(panel: Panel, title: str, view: View) -> None:
    try:
        frame = panels.data(panel, context.database(), view)
    except UiError as error:
        st.caption(f"{error.what} {error.advice}")
        return
    if frame.empty:
        st.caption("No data in this time.")
    elif panel["type"] == "table":
        tables.show(_with_times(frame), title)
    else:
        charts.show(panels.draw(panel, frame, view), f"{title}. {panel.get('description', '')}")


def _with_times(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=[name for name in frame.columns if frame[name].isna().all()])
