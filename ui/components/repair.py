"""Correct a file's bad rows in the page and send them again as a file of their own."""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import streamlit as st

from ui import context, quarantine, queries
from ui.cell_checks import CellChecks
from ui.components import alike, markup, notices, raw_upload, tables
from ui.context import Json
from ui.errors import UiError
from ui.mending import BadRows, Changes

PAGE = 200
PART = queries.BAD_ROWS_STORED
STILL = "what is wrong now"
GOOD = "✓ good now"
MARK = "✗ "


def show(file: "pd.Series[Any]") -> None:
    """Draw what is wrong alike, the cells of the other rows, and the button that sends them."""
    count, file_id = int(file["rows_bad"]), str(file["file_id"])
    if not count or pd.isna(file["use_case"]):
        notices.show_empty("Nothing to repair.", "This file has no rows that were kept aside.")
        return
    part = _choose_part(file_id, count)
    try:
        definition = context.definition(str(file["use_case"]))
        rows = bad_rows(file_id, part, definition)
    except UiError as error:
        notices.show_error(error)
        return
    checks, changes = CellChecks(definition), st.session_state.setdefault(f"changes_{file_id}_{part}", Changes())
    st.markdown(
        "Rows put right here arrive as a new file and are checked like any other; the file they come from stays as it "
        "is. What was wrong alike is put right in all rows at once, the rest cell by cell."
    )
    alike.choose(file_id, rows, checks, changes)
    now = rows.changed(changes)
    problems = rows.problems(now, checks)
    _edit(file_id, rows, changes, checks, now, problems)
    _offer_to_send(file, rows, now, problems, definition)
    _offer_download(file, part, rows.header, definition)


def _choose_part(file_id: str, count: int) -> int:
    """Let the visitor go on through a file of more bad rows than are repaired at a time."""
    parts = -(-count // PART)
    if parts <= 1:
        return 1
    part = int(st.number_input(f"Part, of {parts:,}", 1, parts, key=f"repair_part_{file_id}", width=160))
    last = min(part * PART, count)
    st.caption(
        f"The bad rows {(part - 1) * PART + 1:,} to {last:,} of {count:,}: so many are repaired and sent at a time. "
        "The alert on the file ends when all of them have been sent and are good."
    )
    return part


@st.cache_resource(ttl=600, max_entries=8, show_spinner="Reading the bad rows …")
def bad_rows(file_id: str, part: int, _definition: Json) -> BadRows:
    """Return one part of the bad rows of a file; raise UiError."""
    return BadRows(context.bad_rows_of(file_id, (part - 1) * PART, PART), header(file_id, _definition), _definition)


@st.cache_data(ttl=600, show_spinner=False)
def header(file_id: str, _definition: Json) -> list[str]:
    """Return the column names of a raw file; raise UiError."""
    return quarantine.read_header(context.api().raw_file_start(file_id), _definition)


def _edit(
    file_id: str, rows: BadRows, changes: Changes, checks: CellChecks, now: pd.DataFrame, problems: "pd.Series[str]"
) -> None:
    """Draw the cells of the rows that are still bad when all alike is put right; edits do not move them."""
    before = rows.changed(Changes(changes.alike))
    said = rows.problems(before, checks).to_numpy()
    numbers = [int(number) for number in before.index[said != ""]]
    if not numbers:
        st.success("No row is left to be put right by hand.", icon=":material/done_all:")
        return
    st.markdown(f"**Cell by cell: {len(numbers):,} of {len(rows):,} rows**")
    pages = -(-len(numbers) // PAGE)
    page = 1
    if pages > 1:
        page = st.number_input(f"Page, of {pages:,}", 1, pages, key=f"repair_page_{file_id}_{pages}", width=160)
    shown = numbers[(page - 1) * PAGE : page * PAGE]
    key = f"repair_{file_id}_{page}_{abs(hash(tuple(shown)))}"
    frame = now.loc[shown, _in_sight(rows)]
    frame.insert(0, STILL, [problems[number] or GOOD for number in shown])
    frame = frame.reset_index()
    st.data_editor(
        frame,
        hide_index=True,
        placeholder="",
        disabled=[quarantine.ROW, STILL],
        column_config=_columns(frame, rows, checks),
        key=key,
        on_change=_take_edits,
        args=(key, shown, changes),
        height=min(400, 38 + 35 * len(frame)),
        alt="Rows still bad, one cell for each column; what is wrong is said first",
    )


def _take_edits(key: str, numbers: list[int], changes: Changes) -> None:
    for place, cells in st.session_state[key]["edited_rows"].items():
        known = changes.cells.setdefault(numbers[int(place)], {})
        known |= {str(name): "" if cell is None else str(cell) for name, cell in cells.items()}


def _in_sight(rows: BadRows) -> list[str]:
    """Put the columns at fault first."""
    first = rows.columns_at_fault()
    return [*first, *(name for name in rows.header if name not in first)]


def _columns(frame: pd.DataFrame, rows: BadRows, checks: CellChecks) -> dict[str, Any]:
    found: dict[str, Any] = {
        quarantine.ROW: st.column_config.NumberColumn("row", format="%,d", width=70),
        STILL: st.column_config.TextColumn(width=420),
    }
    for name in rows.header:
        expected, allowed = checks.expected(name), checks.categories(name)
        if allowed:
            others = sorted({str(cell) for cell in frame[name] if cell and cell not in allowed})
            found[name] = st.column_config.SelectboxColumn(
                options=[*allowed, *others],
                format_func=_marked(allowed),
                help=f"Must be {expected}.",
                width=130,
            )
        else:
            found[name] = st.column_config.TextColumn(help=f"Must be {expected}." if expected else None, width=130)
    return found


def _marked(allowed: list[str]) -> Callable[[Any], str]:
    return lambda cell: str(cell) if cell in allowed else f"{MARK}{cell}"


def _offer_to_send(
    file: "pd.Series[Any]", rows: BadRows, now: pd.DataFrame, problems: "pd.Series[str]", definition: Json
) -> None:
    good = now[problems == ""]
    rest = len(now) - len(good)
    everything = bool(rest) and st.checkbox(
        f"Also send the {rest:,} that still break a rule, as they are", key=f"everything_{file['file_id']}"
    )
    chosen = now if everything else good
    body, use_case = quarantine.as_csv(chosen, rows.header, definition), str(file["use_case"])
    sent = raw_upload.sent_as(use_case, body) if len(chosen) else ""
    left = len(now) - len(chosen)
    label = f"Send {len(chosen):,} rows again" if len(chosen) != 1 else "Send 1 row again"
    is_off = chosen.empty or bool(sent) or raw_upload.WAITING in st.session_state
    if st.button(label, type="primary", icon=":material/send:", disabled=is_off, key="send_again"):
        name = f"{PurePosixPath(file['key']).stem.partition(raw_upload.REPAIRED)[0]}{raw_upload.REPAIRED}.csv"
        said = f"Rows sent: {len(chosen):,}, of {len(now):,}; {left:,} left as they are."
        raw_upload.send_once(use_case, name, body, said)
    if sent:
        st.caption(f"These rows were sent already, as {markup.plain(sent)}. Change one to send them again.")
    elif left:
        st.caption(f"{left:,} of {len(now):,} rows still break a rule; they are left as they are.")


def _offer_download(file: "pd.Series[Any]", part: int, header_: list[str], definition: Json) -> None:
    file_id, count = str(file["file_id"]), int(file["rows_bad"])
    rows = min(PART, count - (part - 1) * PART)

    def content() -> bytes:
        return quarantine.download(context.bad_rows_of(file_id, (part - 1) * PART, PART), header_, definition)

    name = f"{PurePosixPath(file['key']).stem}-bad-rows"
    if count > PART:
        name += f"-{part}"
        offer_all(file_id, count)
    tables.offer_csv(f"Download {rows:,} bad rows with their reasons", content, name)


def offer_all(file_id: str, count: int) -> None:
    """Draw a link to the file of all bad rows, which may be too large for the page; it is made when the page is."""
    try:
        link = context.api().bad_rows_link(file_id)
    except UiError as error:
        notices.show_error(error)
        return
    st.link_button(f"Download all {count:,} bad rows as they are kept", link, icon=":material/download:")
