"""The buttons that change which version answers, and who moved what, when and why."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ui import context
from ui import release as releases
from ui.components import notices, release_dialog, tables, times
from ui.components.markup import plain
from ui.context import Json
from ui.errors import UiError
from ui.release import Action, Asked


def show_buttons(seen: Json, version: str, title: str) -> None:
    """Draw what can be done with a version, and with the use case."""
    role = releases.role(seen, version) or "registered, and neither answers nor is tried"
    st.caption(f"`{version}` is {role}.")
    of_version, of_use_case = releases.of_a_version(seen, version), releases.of_the_use_case(seen)
    with st.container(horizontal=True, gap="small", key="release"):
        for action in of_version:
            _button(action, Asked(seen["use_case"], action, seen, version), title)
        for action in of_use_case:
            _button(action, Asked(seen["use_case"], action, seen), title)
    if not of_version:
        st.caption("Choose another version above to try it beside this one, or to promote it.")


def show_retired(names: Sequence[str]) -> None:
    """Say which use cases were retired, each with a button that brings it back."""
    if not names:
        return
    with st.expander(f"Retired use cases: {len(names)}", icon=":material/archive:"):
        for name in names:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(name))
                if st.button("Bring back", icon=":material/unarchive:", key=f"release_back_{name}"):
                    _bring_back(name)


def _bring_back(name: str) -> None:
    try:
        seen = context.api().release(name)
    except UiError as error:
        notices.show_error(error)
        return
    release_dialog.open_for(Asked(name, "promote", seen, seen["champion"]), name)


def _button(action: Action, asked: Asked, title: str) -> None:
    kind = "primary" if action == "promote" else "secondary"
    label = releases.LABELS[action]
    if action == "canary" and (asked.seen["trial"] or {}).get("kind") == "canary":
        label = "Change the share"
    if st.button(label, icon=releases.ICONS[action], type=kind, key=f"release_{action}"):  # type: ignore[arg-type]
        release_dialog.open_for(asked, title)


def show_history(seen: Json) -> None:
    """Draw the last moves, newest first."""
    if not seen["moves"]:
        notices.show_empty("No move yet.", "Promotions, trials and who made them are listed here.")
        return
    moves = seen["moves"]
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime([move["at"] for move in moves], utc=True, format="ISO8601"),
            "what": [releases.told(move) for move in moves],
            "who": [move["by"] or None for move in moves],
            "why": [move["reason"] or None for move in moves],
        }
    )
    columns = {
        "when": times.column("when"),
        "what": st.column_config.TextColumn(width="large"),
        "why": st.column_config.TextColumn(width="large"),
    }
    tables.show(frame, "Who moved the champion, newest first", columns)
