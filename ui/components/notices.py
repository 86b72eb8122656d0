"""Whether everything answers, what went wrong, and what to do next."""

from collections.abc import Callable

import streamlit as st

from ui import context
from ui.errors import UiError


def show_error(error: UiError, *, retry: bool = True) -> None:
    """Say what went wrong and the way out, and offer to try again."""
    with st.container(border=True, key=f"notice_{abs(hash(error.what))}"):
        st.error(f"**{error.what}** {error.advice}", icon=":material/error:")
        if retry and st.button("Try again", icon=":material/refresh:", key=f"retry_{abs(hash(error.what))}"):
            st.rerun()


def show_empty(what: str, advice: str) -> None:
    """Say that there is nothing yet and how that changes."""
    st.info(f"**{what}** {advice}", icon=":material/inbox:")


def show_health() -> None:
    """Show whether the API and the database answer."""
    with st.container(gap="xsmall", key="health"):
        for name, answers in zip(("API", "Database"), _health(), strict=True):
            if answers:
                st.badge(f"{name} answers", icon=":material/check_circle:", color="green")
            else:
                st.badge(f"{name} is away", icon=":material/error:", color="red")


@st.cache_data(ttl=5, show_spinner=False)
def _health() -> tuple[bool, bool]:
    return _succeeds(context.api().health), _succeeds(lambda: context.read("SELECT 1"))


def _succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except UiError:
        return False
    return True
