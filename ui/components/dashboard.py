"""A Grafana dashboard drawn in the page, from the file that Grafana reads."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ui import context, panels
from ui.components import charts, markup, panel_charts, tables
from ui.components.markup import Stat
from ui.errors import UiError
from ui.panels import Dashboard, Panel, View


def title(board: Dashboard) -> str:
    """Return the title of a dashboard without the name of the project."""
    return str(board["title"]).split(": ")[-1].capitalize()


def show(board: Dashboard, view: View) -> None:
    """Draw all panels of a dashboard, in its order."""
    view = _with_feature(board, view)
    for line in panels.lines(board):
        if all(panel["type"] == "stat" for panel in line):
            st.html(markup.stats([_stat(panel, view) for panel in line]))
        else:
            _show_line(line, view)


def _with_feature(board: Dashboard, view: View) -> View:
    if (variable := panels.variable(board, "feature")) is None:
        return view
    features = list(context.read(view.expand(variable["query"]))["feature"])
    chosen = st.selectbox("Column", features or ["–"], key="drift_feature", width=260)
    return View(view.start, view.end, {**view.variables, "feature": str(chosen)})


def _stat(panel: Panel, view: View) -> Stat:
    try:
        text, color = panels.stat(panel, panels.data(panel, context.database(), view))
    except UiError as error:
        text, color = error.what, panels.COLORS["text"]
    return Stat(panels.title(panel, view), text, color)


def _show_line(line: Sequence[Panel], view: View) -> None:
    for place, panel in zip(st.columns([panel["gridPos"]["w"] for panel in line]), line, strict=True):
        with place, st.container(border=True):
            title = panels.title(panel, view)
            st.markdown(f"**{markup.plain(title)}**", help=panel.get("description"))
            _show_panel(panel, title, view)


def _show_panel(panel: Panel, title: str, view: View) -> None:
    if panel["type"] == "stat":
        st.html(markup.stats([_stat(panel, view)]))
        return
    try:
        frame = panels.data(panel, context.database(), view)
    except UiError as error:
        st.caption(f"{error.what} {error.advice}")
        return
    if frame.empty:
        st.caption("No data in this time.")
    elif panel["type"] == "table":
        tables.show(_without_empty_columns(frame), title)
    else:
        charts.show(panel_charts.draw(panel, frame, view), f"{title}. {panel.get('description', '')}")


def _without_empty_columns(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=[name for name in frame.columns if frame[name].isna().all()])
