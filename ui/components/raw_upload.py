"""Hand in a raw file and wait until it is validated."""

import re
from datetime import UTC, datetime

import streamlit as st

from ui import context, queries, records
from ui.components import notices
from ui.errors import UiError

LARGEST = 200_000_000
WAITING = "waiting_for"
PAGE_OF_FILES = "files_page"  # where the visitor is in the list of files
PATIENCE = 120
UNUSUAL = re.compile(r"[^A-Za-z0-9._()-]+")


def show(use_case: str | None) -> None:
    """Draw the part of the page that takes a file."""
    if use_case is None:
        notices.show_empty("The API is away.", "Files can be handed in when it answers again.")
        return
    definition = context.definition(use_case)
    st.markdown(
        "The file goes the whole way: **checked** row by row, **split** into good and bad rows, its good rows "
        "**predicted** by the next scheduled run. The report is there within seconds."
    )
    file = st.file_uploader("Choose a CSV file, or drop it here", type="csv", key="raw_file")
    with st.container(horizontal=True):
        if file is not None and st.button("Send this file", type="primary", icon=":material/send:"):
            send(use_case, file.name, file.getvalue())
        if st.button("Send the example file", icon=":material/science:", help="Five good rows and a bad one."):
            send(use_case, "example.csv", records.example_csv(definition))


def send(use_case: str, name: str, body: bytes) -> None:
    """Put a file where new files arrive, and remember to wait for its validation result."""
    if len(body) > LARGEST:
        raise UiError("The file is too large for this page.", "Put it into the raw bucket with an S3 client.")
    key = context.api().submit_raw_file(use_case, unique(name), body)
    st.session_state[WAITING] = (key, datetime.now(UTC))
    st.session_state.pop(PAGE_OF_FILES, None)
    st.rerun()


def unique(name: str, now: datetime | None = None) -> str:
    """Name a file so that it stands beside earlier ones of its name."""
    stem = UNUSUAL.sub("-", name.removesuffix(".csv")).strip("-._") or "file"
    return f"{stem[:70]}-{now or datetime.now(UTC):%Y%m%dT%H%M%S}.csv"


def show_waiting() -> None:
    """Show that a file is being checked; when it is, show the page anew with the file on top."""
    if WAITING in st.session_state:
        _wait()


@st.fragment(run_every=1)
def _wait() -> None:
    if WAITING not in st.session_state:
        return
    key, since = st.session_state[WAITING]
    if not queries.files(context.database(), 1, name=key).empty:
        del st.session_state[WAITING]
        st.rerun()
    seconds = (datetime.now(UTC) - since).total_seconds()
    if seconds > PATIENCE:
        del st.session_state[WAITING]
        st.warning(f"**No verdict on {key} after {seconds:.0f} seconds.** `make status` tells whether everything runs.")
        return
    st.info(f"**{key}** is being checked … {seconds:.0f} s", icon=":material/hourglass_top:")
