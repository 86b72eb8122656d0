"""The title of a page."""

import streamlit as st

DRAWN = "_headline"


def forget() -> None:
    """Begin a run of the page: it has no title yet."""
    st.session_state[DRAWN] = False


def show(title: str) -> None:
    """Draw the title of a page, as Markdown."""
    st.title(title)
    st.session_state[DRAWN] = True


def show_once(title: str) -> None:
    """Draw a title for a page that broke before its own."""
    if not st.session_state[DRAWN]:
        show(title)
