"""What arrived, what was wrong with it, and how to put it right."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from ui import address, context, progress, queries
from ui.components import file_details, headline, markup, notices, raw_upload, tables, times
from ui.components.raw_upload import CHOSEN
from ui.progress import Progress

PAGE = 20
LEVELS = {"all": "Any criticality", **{level: level.capitalize() for level in tables.CRITICALITY}}
RESULTS = {"done": "checked", "rejected": "rejected", "failed": "failed"}
NAME, NUMBER = "name", "page"  # in the address
OPENED = "opened_from_list"


def show() -> None:
    """Draw the page: a file, or the list of all."""
    headline.show("Data quality")
    if file_id := address.get(CHOSEN):
        _show_file(file_id)
    else:
        _show_list()


def _show_file(file_id: str) -> None:
    if st.session_state.get(OPENED) != file_id:  # the page may be scrolled down from what stood here before
        st.session_state[OPENED] = file_id
        markup.scroll_to_top()
    st.button("All files", icon=":material/arrow_back:", on_click=_show_all, type="tertiary")
    raw_upload.show_waiting()
    found = context.read(queries.FILE, file_id=file_id)
    if found.empty:
        notices.show_empty("There is no such file.", "Its verdict may have been deleted since the link was sent.")
    else:
        file_details.show(found.iloc[0])


def _show_all() -> None:
    for name in (CHOSEN, file_details.TAB):
        st.query_params.pop(name, None)
    st.session_state.pop(OPENED, None)


def _show_list() -> None:
    st.markdown("Every file's verdict, its report, and its bad rows: read why, correct them here, send them again.")
    raw_upload.show_waiting()
    with st.expander(
        "Check a CSV file: choose it, drop it, or send the example",
        icon=":material/upload_file:",
        # As it was when the visitor came: the first file's arrival must not close it under their hands.
        expanded=st.session_state.setdefault("came_to_nothing", _is_empty()),
    ):
        raw_upload.show(context.chosen())
    _choose_file()


@st.cache_data(ttl=5, show_spinner=False)
def _is_empty() -> bool:
    return queries.files(context.database(), 1).empty


def _choose_file() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Find a file by name", key=NAME, bind="query-params", placeholder="part of its name", width=320
        )
        level = address.choose("Criticality", LEVELS, "criticality", width=200)
    chosen = {"use_case": context.chosen(), "criticality": None if level == "all" else level, "name": name or None}
    count = int(context.database().row(queries.FILE_COUNT, **chosen)["files"])
    if not count:
        _say_nothing_found(filtered=bool(name or level != "all"))
        return
    page = _page(-(-count // PAGE))
    found = queries.files(context.database(), PAGE, (page - 1) * PAGE, **chosen)
    _show_files(found, count, page)


def _page(pages: int) -> int:
    if pages == 1:
        return 1
    if st.session_state.get(NUMBER, 1) > pages:
        st.session_state[NUMBER] = pages
    return int(st.number_input(f"Page, of {pages:,}", 1, pages, key=NUMBER, bind="query-params", width=160))


def _say_nothing_found(*, filtered: bool) -> None:
    if filtered:
        notices.show_empty("No file matches.", "Clear the filters to see all files.")
    else:
        notices.show_empty("No file has arrived yet.", "Send the example file above: its report is there in seconds.")


def _show_files(found: pd.DataFrame, count: int, page: int) -> None:
    waiting = _waiting(context.chosen())
    shown = pd.DataFrame(
        {
            "file": [file_details.name_of(file) for _, file in found.iterrows()],
            "verdict": [RESULTS.get(status, status) for status in found["status"]],
            "criticality": tables.chip(found["criticality"]),
            "rows": found["rows_total"],
            "bad rows": found["rows_bad"],
            "arrived": pd.to_datetime(found["finished_at"], utc=True),
            "predictions": [_prediction(file, waiting) for _, file in found.iterrows()],
        }
    )
    first = (page - 1) * PAGE + 1
    st.caption(
        f"Files {first:,} to {first + len(found) - 1:,} of {count:,}, the newest first. "
        "Choose one by the box at the left of its row to see why rows are bad, and to put them right."
    )
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        column_config={
            "file": st.column_config.TextColumn(width=290),
            "verdict": st.column_config.TextColumn(width=80),
            "criticality": tables.chips(tables.CRITICALITY, width=90),
            "rows": tables.counts(width=85),
            "bad rows": tables.counts(width=85),
            "arrived": times.column("arrived", width=165),
            "predictions": st.column_config.TextColumn(width=150),
        },
        on_select=_open,
        selection_mode="single-row",
        key="files",
        height=38 + 35 * len(found),
        alt="Files with their verdicts, the newest first",
    )
    st.session_state["listed"] = list(found["file_id"])


@st.cache_data(ttl=3, show_spinner=False)
def _waiting(use_case: str | None) -> dict[str, Progress]:
    return progress.by_file(context.database(), use_case)


def _prediction(file: "pd.Series[Any]", waiting: Mapping[str, Progress]) -> str | None:
    if not file["rows_good"]:
        return None
    if not pd.isna(file["predicted_at"]):
        return f"done {times.ago(file['predicted_at'])}"
    if not pd.isna(file["prediction_error"]):
        return "given up"
    return waiting[file["file_id"]].short if file["file_id"] in waiting else "done"


def _open() -> None:
    if chosen := st.session_state["files"]["selection"]["rows"]:
        st.query_params[CHOSEN] = st.session_state["listed"][chosen[0]]
