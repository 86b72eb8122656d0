"""Correct a file's bad rows in the page and send them again as a file of their own."""

from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import streamlit as st

from ui import context, quarantine, queries
from ui.components import notices, raw_upload, tables
from ui.errors import UiError

EDITED = 500
EVERYTHING = 1_000_000


def show(file: "pd.Series[Any]") -> None:
    """Draw the editor for a file's bad rows."""
    count = int(file["rows_bad"])
    if not count or pd.isna(file["use_case"]):
        notices.show_empty("Nothing to repair.", "This file has no rows that were kept aside.")
        return
    try:
        header = _header(str(file["file_id"]))
    except UiError as error:
        notices.show_error(error, retry=False)
        return
    st.markdown(
        "Correct the cells, then send the rows again: they arrive as a new file and are checked like any other. "
        "The file they come from stays as it is."
    )
    edited = _edit(file, header)
    with st.container(horizontal=True):
        if st.button(f"Send {len(edited):,} rows again", type="primary", icon=":material/send:", disabled=edited.empty):
            name = f"{PurePosixPath(file['key']).stem}-repaired.csv"
            raw_upload.send(str(file["use_case"]), name, quarantine.as_csv(edited, header))
        _offer_download(file, header)
    if count > EDITED:
        st.caption(
            f"The first {EDITED:,} of {count:,} bad rows. Download all, correct them in a file and send it above."
        )


@st.cache_data(ttl=600, show_spinner=False)
def _header(file_id: str) -> list[str]:
    return quarantine.read_header(context.api().raw_file_start(file_id))


def _edit(file: "pd.Series[Any]", header: list[str]) -> pd.DataFrame:
    rows = context.read(queries.BAD_ROWS, file_id=file["file_id"], limit=EDITED)
    frame: pd.DataFrame = st.data_editor(
        quarantine.editable(rows, header, context.rules()),
        hide_index=True,
        placeholder="",
        num_rows="delete",
        disabled=[quarantine.ROW, quarantine.WHY],
        column_config={
            quarantine.ROW: st.column_config.NumberColumn(width="small"),
            quarantine.WHY: st.column_config.TextColumn(width="medium"),
        },
        key=f"repair_{file['file_id']}",
        alt="Bad rows to correct, one cell for each column",
    )
    return frame


def _offer_download(file: "pd.Series[Any]", header: list[str]) -> None:
    if not st.button("Prepare a download of all bad rows", icon=":material/download:"):
        return
    rows = context.read(queries.BAD_ROWS, file_id=file["file_id"], limit=EVERYTHING)
    stem = PurePosixPath(file["key"]).stem
    tables.offer_csv(f"Download {len(rows):,} bad rows", quarantine.download(rows, header), f"{stem}-bad-rows")
