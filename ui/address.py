"""The address holds the state: what a visitor chose stands in the query string, by its plain name.

A link therefore leads to exactly what its sender saw, and back, forward and refresh work. Streamlit's own
`bind="query-params"` does for what nobody goes back to: it replaces the address instead of adding to the history.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

WRITTEN = "_address"  # what this page left in the address, by key; where it differs now, the visitor went elsewhere


def choose(
    label: str,
    options: Mapping[str, str],
    key: str,
    draw: Callable[..., Any] = st.selectbox,
    default: str | None = None,
    **look: Any,  # noqa: ANN401  how the box looks
) -> str:
    """Draw a box to choose one of `options`, texts by name; without a `default` it is the first. Return the name."""
    default = default or next(iter(options))
    asked = changed(key)
    if asked in options:
        st.session_state[key] = asked
    elif asked is not None or st.session_state.get(key) not in options:
        st.session_state[key] = default
    chosen: str = draw(label, list(options), format_func=lambda name: options.get(name, name), key=key, **look)
    note(key, None if chosen == default else chosen)
    return chosen


def several(label: str, options: Sequence[str], key: str, default: Sequence[str], **look: Any) -> list[str]:  # noqa: ANN401
    """Draw a box to choose any of `options`, `default` at first; return the chosen ones in the order of the choice."""
    asked = changed(key)
    if asked is not None:
        st.session_state[key] = [name for name in asked.split(",") if name in options] or list(default)
    elif not set(st.session_state.get(key, [None])) <= set(options):
        st.session_state[key] = list(default)
    chosen: list[str] = st.multiselect(label, list(options), key=key, **look)
    note(key, None if chosen == list(default) else ",".join(chosen) or None)
    return chosen


def enter(label: str, key: str, **look: Any) -> str:  # noqa: ANN401  how the box looks
    """Draw a box for a text; return it without spaces around it."""
    if (asked := changed(key)) is not None:
        st.session_state[key] = asked
    entered: str = st.text_input(label, key=key, **look) or ""
    note(key, entered.strip() or None)
    return entered.strip()


def tabs(titles: Mapping[str, str], key: str = "tab") -> dict[str, Any]:
    """Draw tabs, titles by name; return each tab's container by name.

    Only what stands in the open one has to be drawn: see its `open`.
    """
    names = {title: name for name, title in titles.items()}
    first = next(iter(titles))
    if (asked := changed(key)) is not None:
        st.session_state[key] = titles.get(asked, titles[first])
    drawn = st.tabs(list(titles.values()), key=key, on_change="rerun")
    name = names.get(str(st.session_state.get(key)), first)
    note(key, None if name == first else name)
    return dict(zip(titles, drawn, strict=True))


def get(key: str) -> str | None:
    """Return what the address says, None when it says nothing."""
    return st.query_params.get(key)


def note(key: str, value: str | None) -> None:
    """Write a value into the address; None takes it out."""
    if value is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value
    _written()[key] = value


def changed(key: str) -> str | None:
    """Return what the address says where this page did not write it, an empty text where it says nothing any more.

    None means that nobody followed a link, went back or edited the address since the last `note`.
    """
    asked, written = st.query_params.get(key), _written().get(key)
    return None if asked == written else asked or ""


def _written() -> dict[str, str | None]:
    written: dict[str, str | None] = st.session_state.setdefault(WRITTEN, {})
    return written
