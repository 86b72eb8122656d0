"""Walk through pages forwards and back, with a cursor for each page already seen."""

from collections.abc import Hashable
from typing import Any

import streamlit as st


class Cursors:
    """Where the visitor is in a list; starts again when what is listed changes."""

    def __init__(self, name: str, listed: Hashable) -> None:
        if st.session_state.get(name, (None,))[0] != listed:
            st.session_state[name] = (listed, [None])
        self._name = name
        self._seen: list[Any] = st.session_state[name][1]

    @property
    def current(self) -> Any:  # noqa: ANN401  whatever the list is walked by
        """The cursor of the page to show; None for the first one."""
        return self._seen[-1]

    @property
    def number(self) -> int:
        """The number of the page, from 1."""
        return len(self._seen)

    def show(self, following: object) -> None:
        """Draw the buttons; `following` is the next page's cursor, None on the last page."""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Newer",
                icon=":material/chevron_left:",
                key=f"{self._name}_back",
                disabled=self.number == 1,
                on_click=self._seen.pop,
            )
            st.markdown(f"Page {self.number}", width="content")
            st.button(
                "Older",
                icon=":material/chevron_right:",
                key=f"{self._name}_on",
                disabled=following is None,
                on_click=self._seen.append,
                args=[following],
            )
