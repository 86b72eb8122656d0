"""Walk through pages forwards and back, with a cursor for each page already seen."""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from ui import address


class Cursors:
    """Where the visitor is in a list; starts again when what is listed changes.

    With the name of a parameter, `key`, the number of the page and its cursor stand in the address; of a page that was
    reached by a link the way back leads to the first one.
    """

    def __init__(self, name: str, listed: Hashable, key: str = "") -> None:
        first = (1, None)
        known, seen = st.session_state.get(name, (listed, [first]))
        if known != listed:
            seen = [first]
        elif key and (asked := address.changed(key)) is not None:
            seen = _way_to(asked, seen)
        st.session_state[name] = (listed, seen)
        self._name = name
        self._seen: list[tuple[int, Any]] = seen
        if key:
            address.note(key, f"{self.number}.{self.current}" if self.number > 1 else None)

    @property
    def current(self) -> Any:  # noqa: ANN401  whatever the list is walked by
        """The cursor of the page to show; None for the first one."""
        return self._seen[-1][1]

    @property
    def number(self) -> int:
        """The number of the page, from 1."""
        return self._seen[-1][0]

    def _back(self) -> None:
        self._seen.pop()

    def show(self, following: object) -> None:
        """Draw the buttons; `following` is the next page's cursor, None on the last page."""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Newer",
                icon=":material/chevron_left:",
                key=f"{self._name}_back",
                disabled=self.number == 1,
                on_click=self._back,
            )
            st.markdown(f"Page {self.number}", width="content")
            st.button(
                "Older",
                icon=":material/chevron_right:",
                key=f"{self._name}_on",
                disabled=following is None,
                on_click=self._seen.append,
                args=[(self.number + 1, following)],
            )


def _way_to(asked: str, seen: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Return the pages up to one that was seen before, or else the first one and the one that the address names."""
    number, _, cursor = asked.partition(".")
    for place, (_, known) in enumerate(seen):
        if str(known or "") == cursor:
            return seen[: place + 1]
    return [seen[0], (max(2, int(number)) if number.isdecimal() else 2, cursor)]
