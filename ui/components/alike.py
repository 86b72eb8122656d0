"""What is wrong alike in many rows, put right in all of them at once, seen before and after."""

from collections.abc import Mapping

import streamlit as st

from ui.cell_checks import CellChecks
from ui.components import markup
from ui.mending import Alike, BadRows, Changes, Key

SHOWN, MOST = 8, 50
FEWEST = 2  # rows that make it worth while


def choose(file_id: str, rows: BadRows, checks: CellChecks, changes: Changes) -> None:
    """Let the visitor say what values become, and note it in the changes."""
    groups = _offered(rows.alike(checks))
    if not groups:
        return
    st.markdown("**Alike in several rows**")
    suggested = {group.key: group.suggestion for group in groups if group.suggestion}
    if suggested:
        st.button(
            f"Take the {len(suggested):,} suggestions" if len(suggested) > 1 else "Take the suggestion",
            icon=":material/auto_fix_high:",
            on_click=_take,
            args=[file_id, suggested, changes],
            key=f"suggested_{file_id}",
        )
    for group in groups[: MOST if st.session_state.get(f"more_{file_id}") else SHOWN]:
        key = _key(file_id, group.key)
        if key not in st.session_state and group.key in changes.alike:  # it was out of sight
            st.session_state[key] = changes.alike[group.key]
        if (meant := _choose_one(key, group, rows, checks)) is None:
            changes.alike.pop(group.key, None)
        else:
            changes.alike[group.key] = meant
    if len(groups) > SHOWN:
        st.toggle(f"Show {min(len(groups), MOST):,} of {len(groups):,}", key=f"more_{file_id}")


def _take(file_id: str, suggested: Mapping[Key, str], changes: Changes) -> None:
    changes.alike.update(suggested)
    for key in suggested:
        st.session_state.pop(_key(file_id, key), None)


def _offered(groups: list[Alike]) -> list[Alike]:
    """Leave one group a value, those of several rows and those whose meaning is clear."""
    found: dict[Key, Alike] = {}
    for group in groups:
        if (group.rows >= FEWEST or group.suggestion) and group.key not in found:
            found[group.key] = group
    return list(found.values())


def _choose_one(key: str, group: Alike, rows: BadRows, checks: CellChecks) -> str | None:
    value = f"“{markup.plain(group.value)}”" if group.value else "empty"
    value = f"any that breaks “{rows.words(group.rule)}”" if group.value is None else value
    label = f"{markup.plain(group.column)}: {value} in {group.rows:,} {'rows' if group.rows > 1 else 'row'} becomes"
    asking, showing = st.columns([1, 2], vertical_alignment="bottom")
    categories = checks.categories(group.column)
    with asking:
        offered = [*categories, *([group.suggestion] if group.suggestion and not categories else [])]
        meant: str | None = st.selectbox(
            label,
            [*offered, *([""] if checks.may_be_missing(group.column) else [])],
            index=None,
            placeholder="left as it is" if categories else "left as it is; choose, or write a value",
            format_func=lambda value: value or "empty",
            accept_new_options=not categories,
            key=key,
        )
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
    first = rows.of(group).head(1)
    after = first.assign(**{group.column: meant})
    st.html(markup.before_and_after(list(first.iloc[0]), list(after.iloc[0]), rows.header))


def _key(file_id: str, key: Key) -> str:
    return "_".join(["alike", file_id, *map(str, key)])
