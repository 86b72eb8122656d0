"""The dialog before a version is promoted, tried or taken back: what will happen, who wants it, and why."""

import streamlit as st

from ui import context
from ui import release as releases
from ui.components.markup import plain
from ui.context import Json
from ui.errors import MovedError, RefusedError, UiError
from ui.release import Asked

NOTE = "release_note"  # what became of the last move, until it was shown: its kind and a text
BY = "release_name"  # who the visitor is, for the rest of the visit
SHARE = 10  # percent of the entities that a canary begins with
LONGEST_NAME, LONGEST_REASON = 80, 500  # that the API takes


def open_for(asked: Asked, title: str) -> None:
    """Open the dialog about a move; `title` is the use case's."""
    name = f" {asked.version}" if asked.version else ""
    heading = f"{releases.LABELS[asked.action]}{name}?"
    st.dialog(heading, width="medium", icon=releases.ICONS[asked.action])(_draw)(asked, title)


def show_note() -> None:
    """Say once what became of the visitor's last move."""
    kind, text = st.session_state.pop(NOTE, (None, ""))
    if kind == "done":
        st.success(text, icon=":material/check_circle:")
    elif kind == "moved":
        st.warning(text, icon=":material/sync_problem:")


def _draw(asked: Asked, title: str) -> None:
    share = None
    if asked.action == "canary":
        share = st.slider("Share of the entities, in percent", 1, 100, SHARE, key="release_share") / 100
    st.markdown(releases.warning(asked, plain(title), share or 1.0))
    with st.form("release", border=False):
        by = st.text_input("Your name", st.session_state.get(BY, ""), max_chars=LONGEST_NAME, autocomplete="name")
        reason = st.text_input("Why", max_chars=LONGEST_REASON)
        st.caption("The history keeps both.")
        with st.container(horizontal=True):
            is_sure = st.form_submit_button(releases.LABELS[asked.action], type="primary")
            is_off = st.form_submit_button("Cancel")
    if is_off:
        st.rerun()
    if not is_sure:
        return
    if not by.strip() or not reason.strip():
        st.error("Say who you are and why: both are kept in the history.", icon=":material/edit:")
        return
    st.session_state[BY] = by.strip()
    try:
        _remember("done", releases.done(_make(asked, asked.body(by, reason, share))))
    except MovedError as error:
        _remember("moved", f"**Nothing was changed.** {plain(error.what)}")
    except RefusedError as error:
        st.error(f"**Nothing was changed.** {plain(error.what)}", icon=":material/error:")
        return
    except UiError as error:  # it may have been made all the same
        advice = "Try again when it answers: nothing is done twice." if error.away else error.advice
        st.error(f"**{plain(error.what)}** {advice}", icon=":material/error:")
        return
    st.rerun()


def _make(asked: Asked, body: Json) -> Json:
    """Make a move once, however often the button is pressed; return it."""
    try:
        return context.api().move(asked.use_case, body)
    except MovedError:
        last = next(iter(context.api().release(asked.use_case)["moves"]), None)
        if last is not None and releases.is_made(last, body):
            return dict(last)
        raise


def _remember(kind: str, text: str) -> None:
    context.forget_releases()
    st.session_state[NOTE] = (kind, text)
