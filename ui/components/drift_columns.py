"""Every column of the last window, the one that drifted most first: its state, its effect, and two histograms."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from grafana import colors
from ui import address, context, drift
from ui.components import markup, notices, times
from ui.drift import Bin, ColumnDrift, Window
from ui.panels import View

SHOWN = 20
AT_ONCE = 200
PLACE, ALL, WORST = "columns", "all", "worst"
SHADES = {"reference": colors.REFERENCE, "now": colors.NOW}


def show(view: View) -> Window | None:
    """Draw a sentence on the last window in a time and a row for every column; return the window."""
    found = context.read(drift.LAST_WINDOW, use_case=view.variables["use_case"], start=view.start, end=view.end)
    window = drift.window(found, context.label_by_class())
    if window is None:
        notices.show_empty("No verdict on drift in this time.", f"A window needs {context.window_needs()}.")
        return None
    st.html(markup.verdict(drift.sentence(window), colors.MEANING[window.state]))
    st.caption(
        f"The last window: {times.written(window.start)} to {times.written(window.end)}, {window.rows:,} predictions "
        f"of version {window.version}, beside the rows that it was tested on. Open a column to see its numbers."
    )
    if len(window.columns) > AT_ONCE:
        _show_part(window.columns)
        return window
    everything = len(window.columns) <= SHOWN or address.get(PLACE) == ALL
    st.html(_table(window.columns if everything else window.columns[:SHOWN]))
    if len(window.columns) > SHOWN:
        label = f"Show the {SHOWN} worst" if everything else f"Show all {len(window.columns)} columns"
        st.button(label, on_click=address.note, args=(PLACE, None if everything else ALL))
    return window


def _show_part(columns: Sequence[ColumnDrift]) -> None:
    """Draw the worst of very many columns, or two hundred of them at a time."""
    ends = {start: min(start + AT_ONCE, len(columns)) for start in range(0, len(columns), AT_ONCE)}
    parts = {str(start + 1): f"{start + 1:,} to {end:,}" for start, end in ends.items()}
    first = {WORST: f"The {SHOWN} worst"}
    part = address.choose(f"Which of the {len(columns):,} columns, by drift", {**first, **parts}, PLACE, width=320)
    start = 0 if part == WORST else int(part) - 1
    st.html(_table(columns[:SHOWN] if part == WORST else columns[start : ends[start]]))


def _table(columns: Sequence[ColumnDrift]) -> str:
    rows = "".join(map(_row, columns))
    return f'{markup.legend(SHADES)}<div class="ts-drift">{rows}</div>'


def _row(column: ColumnDrift) -> str:
    effect = markup.significant(column.effect)
    return (
        f'<details><summary><span class="ts-drift-name">{escape(column.name)}</span>'
        f"{markup.chip(column.state, colors.MEANING[column.state])}"
        f'<span class="ts-drift-effect">effect {effect}</span>{_histograms(column)}</summary>'
        f"{_details(column)}</details>"
    )


def _histograms(column: ColumnDrift) -> str:
    said = "; ".join(f"{each.name} {each.reference:.0%} before, {each.now:.0%} now" for each in column.bins)
    highest = column.highest
    bins = "".join(
        f"<b>{_bar('height', each.reference / highest, 'reference')}{_bar('height', each.now / highest, 'now')}</b>"
        for each in column.bins
    )
    return f'<span class="ts-histogram" role="img" aria-label="{escape(f"{column.name}: {said}")}">{bins}</span>'


def _bar(direction: str, share: float, of: str) -> str:
    return f'<i style="{direction}:{100 * share:.1f}%;background:{SHADES[of]}" aria-hidden="true"></i>'


def _details(column: ColumnDrift) -> str:
    chance = "" if column.p_value is None else f" p-value {markup.significant(max(column.p_value, 1e-9))}."
    return (
        f'<div class="ts-drift-bins">{"".join(_bin(each, column.highest) for each in column.bins)}</div>'
        f"<p>Effect {markup.significant(column.effect)}: population stability index beyond what chance makes of it."
        f"{chance}</p>"
    )


def _bin(each: Bin, highest: float) -> str:
    bars = _bar("width", each.reference / highest, "reference") + _bar("width", each.now / highest, "now")
    return (
        f'<span class="ts-bar-label">{escape(each.name)}</span><span class="ts-drift-bars">{bars}</span>'
        f"<span>{100 * each.reference:.1f} % → {100 * each.now:.1f} %</span>"
    )
