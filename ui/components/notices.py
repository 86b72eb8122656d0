"""Messages that say what happened and what to do next."""

import streamlit as st

from ui.errors import UiError


def show_error(error: UiError, *, retry: bool = True) -> None:
    """Tell what went wrong, the way out, and offer to try again."""
    with st.container(border=True, key=f"notice_{abs(hash(error.what))}"):
        st.error(f"**{error.what}** {error.advice}", icon=":material/error:")
        if retry and st.button("Try again", icon=":material/refresh:", key=f"retry_{abs(hash(error.what))}"):
            st.rerun()


def show_empty(what: str, advice: str) -> None:
    """Tell that there is nothing yet and how that changes."""
    st.info(f"**{what}** {advice}", icon=":material/inbox:")
