"""What arrived, what was wrong with it, and how to put it right."""

from typing import Any

import pandas as pd
import streamlit as st

from ui import context, queries
from ui.components import file_details, headline, notices, raw_upload, tables, times
from ui.components.paging import Cursors

PAGE = 20
LEVELS = {"all": "Any criticality", **{level: level.capitalize() for level in tables.CRITICALITY}}
RESULTS = {"done": "checked", "rejected": "rejected", "failed": "failed"}
LINKED = "file"  # as the alerts of files link to it


def show() -> None:
    """Draw the page."""
    headline.show("Data quality")
    st.markdown("Every file's verdict, its report, and its bad rows: read why, correct them here, send them again.")
    if file_id := st.query_params.get(LINKED):
        _show_linked(file_id)
        return
    with st.expander(
        "Check a CSV file: choose it, drop it, or send the example", icon=":material/upload_file:", expanded=_is_empty()
    ):
        raw_upload.show(context.chosen())
    raw_upload.show_waiting()
    file = _choose_file()
    if file is not None:
        file_details.show(file)


def _show_linked(file_id: str) -> None:
    st.button("Show all files", icon=":material/arrow_back:", on_click=_show_all)
    found = context.read(queries.FILE, file_id=file_id)
    if found.empty:
        notices.show_empty("There is no such file.", "Its verdict may have been deleted since the link was sent.")
    else:
        file_details.show(found.iloc[0])


def _show_all() -> None:
    del st.query_params[LINKED]


@st.cache_data(ttl=5, show_spinner=False)
def _is_empty() -> bool:
    return queries.files(context.database(), 1).empty


def _choose_file() -> "pd.Series[Any] | None":
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Find a file by name", key="file_name", placeholder="part of its name", width=320)
        level = st.selectbox("Criticality", list(LEVELS), format_func=LEVELS.__getitem__, key="criticality", width=200)
    chosen = {"use_case": context.chosen(), "criticality": None if level == "all" else level, "name": name}
    cursors = Cursors(raw_upload.PAGE_OF_FILES, tuple(chosen.values()))
    start = cursors.current or 0
    found = queries.files(context.database(), PAGE + 1, start, **chosen)
    if found.empty and not start:
        _say_nothing_found(filtered=bool(name or level != "all"))
        return None
    more = len(found) > PAGE
    if start or more:
        cursors.show(start + PAGE if more else None)
    return _show_files(found.head(PAGE))


def _say_nothing_found(*, filtered: bool) -> None:
    if filtered:
        notices.show_empty("No file matches.", "Clear the filters to see all files.")
    else:
        notices.show_empty("No file has arrived yet.", "Send the example file above: its report is there in seconds.")


def _show_files(found: pd.DataFrame) -> "pd.Series[Any] | None":
    shown = pd.DataFrame(
        {
            "arrived": pd.to_datetime(found["finished_at"], utc=True),
            "file": found["key"],
            "verdict": [RESULTS.get(status, status) for status in found["status"]],
            "criticality": tables.chip(found["criticality"]),
            "rows": found["rows_total"],
            "good": found["rows_good"],
            "bad": found["rows_bad"],
            "predicted": pd.to_datetime(found["predicted_at"], utc=True),
        }
    )
    st.caption("Choose a file by the box at the left of its row to see its report and its bad rows.")
    state = st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        column_config={
            "arrived": times.column("arrived"),
            "predicted": times.column("predicted"),
            "criticality": tables.chips(tables.CRITICALITY),
        },
        on_select="rerun",
        selection_mode="single-row",
        key="files",
        alt="Files with their verdicts, the newest first",
    )
    chosen = state["selection"]["rows"]
    place = chosen[0] if chosen and chosen[0] < len(found) else 0
    return found.iloc[place]
