"""Hand in a raw file and wait until it is validated."""

import hashlib
import re
from datetime import UTC, datetime

import streamlit as st

from ui import context, records
from ui.components import markup, notices
from ui.errors import UiError

LARGEST = 200_000_000
WAITING = "waiting_for"
CHOSEN = "file"  # the file a visitor looks at, in the address; as the alerts of files link to it
SENT = "sent_files"  # the keys by digest of what this visitor has sent
NOTE = "sent_note"
TURN = "raw_file_turn"  # the uploader is emptied by making it anew
PATIENCE = 120
REPAIRED = "-repaired"  # by its name the system knows which file's bad rows a file brings again
TIME = "20260102T120000"
LONGEST_NAME = 100  # that the API takes, before .csv; a file's name leaves room for those of its repaired ones
UNUSUAL = re.compile(r"[^A-Za-z0-9._()-]+")
ARRIVED = "SELECT file_id FROM ingestions WHERE key = :key AND report_key IS NOT NULL ORDER BY finished_at DESC LIMIT 1"


def show(use_case: str | None) -> None:
    """Draw the part of the page that takes a file."""
    if use_case is None:
        notices.show_empty("The API is away.", "Files can be handed in when it answers again.")
        return
    try:
        definition = context.definition(use_case)
    except UiError as error:
        notices.show_error(error)
        return
    st.markdown(
        "The file goes the whole way: **checked** row by row, **split** into good and bad rows, its good rows "
        "**predicted** by the next scheduled run. The report is there within seconds."
    )
    turn = st.session_state.get(TURN, 0)
    file = st.file_uploader("Choose a CSV file, or drop it here", type=["csv", "gz"], key=f"raw_file_{turn}")
    is_busy = WAITING in st.session_state
    with st.container(horizontal=True):
        if file is not None and st.button(
            f"Send {file.name}", type="primary", icon=":material/send:", disabled=is_busy, key="send_raw_file"
        ):
            _refuse_size(file.size)
            with st.spinner(f"Sending {file.name}, {_megabytes(file.size)} …", show_time=True):
                send(use_case, file.name, file.getvalue())
        if st.button(
            "Send the example file", icon=":material/science:", help="Five good rows and a bad one.", disabled=is_busy
        ):
            send(use_case, "example.csv", records.example_csv(definition))


def send(use_case: str, name: str, body: bytes) -> None:
    """Put a file where new files arrive, and remember to wait for its validation result; raise UiError."""
    if WAITING in st.session_state:  # a second click came while the first was worked on
        return
    _await(context.api().submit_raw_file(use_case, unique(name), body))


def send_once(use_case: str, name: str, body: bytes, note: str) -> None:
    """Send rows that this visitor has not sent yet, with a note to be shown beside their verdict; raise UiError."""
    if WAITING in st.session_state or sent_as(use_case, body):
        return
    _refuse_size(len(body))
    with st.spinner(f"Sending {name}, {_megabytes(len(body))} …", show_time=True):
        key = context.api().submit_raw_file(use_case, unique(name), body)
    st.session_state.setdefault(SENT, {})[_digest(use_case, body)] = key
    st.session_state[NOTE] = (key, note)
    _await(key)


def _await(key: str) -> None:
    st.session_state[WAITING] = (key, datetime.now(UTC))
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    st.rerun()


def sent_as(use_case: str, body: bytes) -> str:
    """Return the key under which this visitor has sent the same bytes; an empty text when they were not sent."""
    return str(st.session_state.get(SENT, {}).get(_digest(use_case, body), ""))


def unique(name: str, now: datetime | None = None) -> str:
    """Name a file so that it stands beside earlier ones of its name."""
    stem = UNUSUAL.sub("-", name.removesuffix(".csv")).strip("-._") or "file"
    longest = LONGEST_NAME if REPAIRED in stem else LONGEST_NAME - len(f"{REPAIRED}-{TIME}")
    return f"{stem[: longest - len(f'-{TIME}')]}-{now or datetime.now(UTC):%Y%m%dT%H%M%S}.csv"


def note_on(key: str) -> str:
    """Return what is to be said about a file that this visitor sent last."""
    noted, note = st.session_state.get(NOTE, ("", ""))
    return str(note) if noted == key else ""


def show_waiting() -> None:
    """Show that a file is being checked; when it is, show that file, whatever was looked at."""
    if WAITING in st.session_state:
        markup.scroll_to_top()
        _wait()


@st.fragment(run_every=1)
def _wait() -> None:
    if WAITING not in st.session_state:
        return
    key, since = st.session_state[WAITING]
    found = context.read(ARRIVED, key=key)
    if not found.empty:
        del st.session_state[WAITING]
        st.query_params.from_dict({**_kept(), CHOSEN: str(found["file_id"][0])})
        st.rerun()
    seconds = (datetime.now(UTC) - since).total_seconds()
    if seconds > PATIENCE:
        del st.session_state[WAITING]
        st.warning(f"**No verdict on {markup.plain(key)} after {seconds:.0f} seconds.** It may still come: look later.")
        return
    st.info(f"**{markup.plain(key)}** is being checked … {seconds:.0f} s", icon=":material/hourglass_top:")


def _kept() -> dict[str, str]:
    return {name: value for name, value in st.query_params.to_dict().items() if name == context.USE_CASE}


def _refuse_size(size: int) -> None:
    if size > LARGEST:
        raise UiError(
            f"The file has {_megabytes(size)}; this page takes up to {_megabytes(LARGEST)}.",
            "Put it into the raw bucket with an S3 client.",
        )


def _digest(use_case: str, body: bytes) -> str:
    return hashlib.sha256(use_case.encode() + b"\n" + body).hexdigest()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{max(1, size / 1e3):,.0f} kB"
