"""A Grafana dashboard drawn in the page, from the file that Grafana reads."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from grafana import colors
from ui import address, context, drift, numbers, panels
from ui.components import charts, drift_columns, markup, panel_charts, tables, times
from ui.components.markup import Stat
from ui.drift import Window
from ui.errors import UiError
from ui.panels import Dashboard, Panel, View

OF_CLASSES, OF_A_REGRESSION = "Of classes:", "Of a regression:"  # how panels on one of both begin


def title(board: Dashboard) -> str:
    """Return the title of a dashboard without the name of the project."""
    return str(board["title"]).split(": ")[-1].capitalize()


def show(board: Dashboard, view: View) -> None:
    """Draw all panels of a dashboard, in its order; first what the last window says, where columns are watched."""
    window = drift_columns.show(view) if panels.variable(board, "feature") else None
    for all_of_line in panels.lines(board):
        line = [panel for panel in all_of_line if _fits(panel)]
        if not line:
            continue
        if any("$feature" in panel["title"] for panel in line):
            view = _with_feature(board, view, window)
        if all(panel["type"] == "stat" for panel in line):
            st.html(markup.stats([_stat(panel, view) for panel in line]))
        else:
            _show_line(line, view)


def _fits(panel: Panel) -> bool:
    """Tell whether a panel is about what the chosen use case predicts: classes, or a number."""
    about = str(panel.get("description", ""))
    try:
        regression = numbers.is_regression(context.chosen_definition())
    except UiError:
        return True
    return not about.startswith(OF_CLASSES if regression else OF_A_REGRESSION)


def _with_feature(board: Dashboard, view: View, window: Window | None) -> View:
    """Let people choose a column; the one that drifted most is chosen first."""
    variable = panels.variable(board, "feature") or {}
    known = [str(name) for name in context.read(view.expand(variable["query"]))["feature"]]
    worst = [column.feature for column in window.columns] if window else []
    names = list(dict.fromkeys([*worst, *known])) or ["–"]
    chosen = address.choose("Column", {name: drift.NAMES.get(name, name) for name in names}, "column", width=260)
    return View(view.start, view.end, {**view.variables, "feature": chosen})


def _stat(panel: Panel, view: View) -> Stat:
    try:
        text, color = panels.stat(panel, panels.data(panel, context.database(), view))
    except UiError as error:
        text, color = error.what, colors.UNKNOWN
    return Stat(panels.title(panel, view), text, color)


def _show_line(line: Sequence[Panel], view: View) -> None:
    for place, panel in zip(st.columns([panel["gridPos"]["w"] for panel in line]), line, strict=True):
        with place, st.container(border=True, height="stretch"):
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
        st.caption(_what_is_needed(panel))
    elif panel["type"] == "table":
        _show_table(panel, frame, title)
    else:
        drawn = panel_charts.draw(panel, _with_labels(frame, view), view)
        charts.show_legend(drawn.shades, drawn.note)
        charts.show(drawn.chart, f"{title}. {panel.get('description', '')} {drawn.said}")


def _what_is_needed(panel: Panel) -> str:
    """Say why a panel is empty and what fills it."""
    sql = " ".join(target["rawSql"] for target in panel["targets"])
    if "'measured'" in sql and "'mean_" not in sql:
        return "No window in this time has known outcomes; they are entered under Past predictions."
    if "drift_metrics" in sql or "performance_metrics" in sql:
        return f"No window closed in this time; a window needs {context.window_needs()}."
    return "No data in this time."


def _with_labels(frame: pd.DataFrame, view: View) -> pd.DataFrame:
    """Write classes by the names people read."""
    labels = context.label_by_class()
    if "metric" in frame:
        series = {f"class {text}": label for text, label in labels.items()}
        series |= {f"class {text} (training)": f"{label} (training)" for text, label in labels.items()}
        return frame.assign(metric=frame["metric"].replace(series))
    if view.variables.get("feature") == "@prediction":
        return frame.assign(bin=frame["bin"].replace(labels))
    return frame


def _show_table(panel: Panel, frame: pd.DataFrame, title: str) -> None:
    frame = frame.drop(columns=[name for name in frame.columns if frame[name].isna().all()])
    columns: dict[str, Any] = {
        str(name): times.column(str(name)) for name in frame if isinstance(frame[name].dtype, pd.DatetimeTZDtype)
    }
    for name, shades in panels.words(panel).items():
        if name in frame:
            frame[name] = tables.chip(frame[name])
            columns[name] = tables.chips(shades)
    for name, link in panels.links(panel).items():
        if name in frame:
            frame[name] = [link.format(cell) for cell in frame[name]]
            columns[name] = st.column_config.LinkColumn(display_text="open")
    tables.show(frame, title, columns)
