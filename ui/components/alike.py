"""What is wrong alike in many rows, put right in all of them at once, seen before and after."""

import streamlit as st

from ui.cell_checks import CellChecks
from ui.components import markup
from ui.mending import Alike, BadRows, Changes

SHOWN = 8
FEWEST = 2  # rows that make it worth while


def choose(file_id: str, rows: BadRows, checks: CellChecks) -> dict[tuple[str, str], str]:
    """Let the visitor say what values become; return it by column and value."""
    groups = _offered(rows.alike(checks))
    if not groups:
        return {}
    st.markdown("**Alike in several rows**")
    suggested = {_key(file_id, group): group.suggestion for group in groups if group.suggestion}
    if suggested:
        st.button(
            f"Take the {len(suggested):,} suggestions" if len(suggested) > 1 else "Take the suggestion",
            icon=":material/auto_fix_high:",
            on_click=st.session_state.update,
            args=[suggested],
            key=f"suggested_{file_id}",
        )
    shown = groups if st.session_state.get(f"more_{file_id}") else groups[:SHOWN]
    chosen = {}
    for group in shown:
        if (meant := _choose_one(file_id, group, rows, checks)) is not None:
            chosen[group.key] = meant
    if len(groups) > SHOWN:
        st.toggle(f"Show all {len(groups):,} of them", key=f"more_{file_id}")
    for group in groups[len(shown) :]:  # suggestions that were taken hold for those out of sight, too
        if meant := st.session_state.get(_key(file_id, group)):
            chosen[group.key] = meant
    return chosen


def _offered(groups: list[Alike]) -> list[Alike]:
    """Leave one group a value, those of several rows and those whose meaning is clear."""
    found: dict[tuple[str, str], Alike] = {}
    for group in groups:
        if (group.rows >= FEWEST or group.suggestion) and group.key not in found:
            found[group.key] = group
    return list(found.values())


def _choose_one(file_id: str, group: Alike, rows: BadRows, checks: CellChecks) -> str | None:
    value = f"“{markup.plain(group.value)}”" if group.value else "empty"
    label = f"{markup.plain(group.column)}: {value} in {group.rows:,} {'rows' if group.rows > 1 else 'row'} becomes"
    asking, showing = st.columns([1, 2], vertical_alignment="bottom")
    key, categories = _key(file_id, group), checks.categories(group.column)
    with asking:
        meant: str | None
        if categories:
            allowed = [*categories, *([""] if checks.may_be_missing(group.column) else [])]
            meant = st.selectbox(
                label,
                allowed,
                index=None,
                placeholder="left as it is",
                format_func=lambda value: value or "empty",
                key=key,
            )
        else:
            meant = st.text_input(label, placeholder="left as it is", key=key) or None
    with showing:
        _show_effect(group, meant, rows, checks)
    return meant


def _show_effect(group: Alike, meant: str | None, rows: BadRows, checks: CellChecks) -> None:
    said = rows.words(group.rule)
    if meant is None:
        hint = f", perhaps “{markup.plain(group.suggestion)}”" if group.suggestion else ""
        st.caption(f"{said[:1].upper()}{said[1:]}; must be {markup.plain(checks.expected(group.column))}{hint}.")
        return
    if problem := checks.problem(group.column, meant):
        st.caption(f":red[{markup.plain(problem)}]")
        return
    first = rows.cells[rows.cells[group.column] == group.value].head(1)
    after = rows.changed(Changes({group.key: meant})).loc[first.index]
    st.html(markup.before_and_after(list(first.iloc[0]), list(after.iloc[0]), rows.header))


def _key(file_id: str, group: Alike) -> str:
    return f"alike_{file_id}_{group.column}_{group.value}"
