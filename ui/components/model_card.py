"""A version's model card, as a part of the page that runs nothing."""

from html import escape

import streamlit as st

from ui import context
from ui.components import notices
from ui.errors import UiError

HEIGHT = 900
# A frame of its own inside the page's one: `sandbox` lets no script run and nothing leave it.
FRAME = '<iframe sandbox title="{title}" srcdoc="{card}" style="border:0;width:100%;height:{height}px"></iframe>'


def show(use_case: str, version: str) -> None:
    """Draw the card and offer it as a file; say how to get one where there is none."""
    try:
        card = _card(use_case, version)
    except UiError as error:
        notices.show_error(error)
        return
    title = f"Model card of {version}"
    frame = FRAME.format(title=escape(title), card=escape(card), height=HEIGHT)
    st.download_button(
        "Download the model card",
        card,
        file_name=f"{use_case}-{version}.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
    )
    st.iframe(f"<!doctype html><title>{escape(title)}</title>{frame}", height=HEIGHT + 20, alt=title)


@st.cache_data(ttl=600, max_entries=32, show_spinner=False)
def _card(use_case: str, version: str) -> str:
    return context.api().card(use_case, version)
