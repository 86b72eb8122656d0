"""Numbers as people read them, and small pieces of HTML; every text that comes from outside is escaped here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape as escape
from pathlib import Path

import streamlit as st

HARMLESS = re.compile(r"(?!www)[^\W\d_]([^\W_]|[ ,()/%]|(?<=[^\W_])[_.-]+(?=[^\W_]))*")
LINKED = re.compile(r"https?://|www(?=\.)|(?<=\w)@(?=\w)", re.IGNORECASE)
STYLE = Path(__file__).with_name("style.css")


def use_style() -> None:
    """Put the page's style sheet in place."""
    st.html(STYLE)


def number(value: float) -> str:
    """Write a number without a needless fraction."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def counted(number: int, noun: str) -> str:
    """Write how many there are of something."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short(number: int) -> str:
    """Write a count for a small card: in full below ten millions, then with three digits and what they count."""
    for size, name in ((10**9, "bn"), (10**6, "M")):
        if number >= max(size, 10**7):
            part = number / size
            return f"{part:,.{0 if part >= 100 else 1 if part >= 10 else 2}f} {name}"
    return f"{number:,}"


def percent(share: float) -> str:
    """Write a probability; only 0 and 1 are written as certain."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return "under 1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def significant(value: float) -> str:
    """Write a number with two significant digits, never in scientific notation."""
    if 0 < abs(value) < 0.001:
        return "under 0.001"
    return f"{value:,.0f}" if abs(value) >= 100 or value == 0 else f"{value:.2g}"


def beside(caption: str, rows: Mapping[str, Sequence[str]]) -> str:
    """Return a table of what is said of a champion and of a challenger, by what it is about."""
    head = '<td></td><th scope="col">champion</th><th scope="col">challenger</th>'
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, cells in rows.items()
    )
    return f'<table class="ts-table ts-beside" aria-label="{escape(caption)}"><tr>{head}</tr>{body}</table>'


@dataclass(frozen=True)
class Bar:
    """One labelled bar; `share` of the full width, from 0 to 1."""

    label: str
    value: str
    share: float
    kind: str = "plain"  # plain, chosen, up, down


def bars(rows: Sequence[Bar], *, from_middle: bool = False) -> str:
    """Draw horizontal bars that grow to the right, or left and right from the middle."""
    kind = "ts-bars ts-pushes" if from_middle else "ts-bars"
    return f'<div class="{kind}">{"".join(map(_bar, rows))}</div>'


def _bar(bar: Bar) -> str:
    width = max(0.0, min(1.0, bar.share)) * 100
    return (
        f'<div class="ts-bar ts-{escape(bar.kind)}"><span class="ts-bar-label">{escape(bar.label)}</span>'
        f'<span class="ts-bar-track" aria-hidden="true"><i style="width:{width:.1f}%"></i></span>'
        f'<span class="ts-bar-value">{escape(bar.value)}</span></div>'
    )


@dataclass(frozen=True)
class Step:
    """One station on the way of the data; a large count is written short, with its digits on hovering."""

    title: str
    count: int
    note: str
    kind: str = "plain"  # plain, good, bad


def steps(stations: Sequence[Step]) -> str:
    """Draw stations with arrows between them; they stack on a narrow screen."""
    return f'<ol class="ts-steps">{"".join(map(_step, stations))}</ol>'


def _step(step: Step) -> str:
    return (
        f'<li class="ts-step ts-{escape(step.kind)}"><span class="ts-step-title">{escape(step.title)}</span>'
        f'<span class="ts-step-count" title="{step.count:,}">{short(step.count)}</span>'
        f'<span class="ts-step-note">{escape(step.note)}</span></li>'
    )


@dataclass(frozen=True)
class Stat:
    """One number with the colour of its state."""

    title: str
    value: str
    color: str


def stats(numbers: Sequence[Stat]) -> str:
    """Draw numbers side by side."""
    return f'<div class="ts-stats">{"".join(map(_stat, numbers))}</div>'


def _stat(stat: Stat) -> str:
    return (
        f'<div class="ts-stat" style="border-color:{escape(stat.color)}"><span class="ts-step-title">'
        f'{escape(stat.title)}</span><span class="ts-step-count">{escape(stat.value)}</span></div>'
    )


def legend(shades: Mapping[str, str], note: str = "") -> str:
    """Say what colours mean."""
    entries = "".join(
        f'<li><i style="background:{escape(color)}" aria-hidden="true"></i>{escape(name)}</li>'
        for name, color in shades.items()
    )
    return f'<ul class="ts-legend">{entries}{f"<li>{escape(note)}</li>" if note else ""}</ul>'


def chip(text: str, color: str) -> str:
    """Draw a word in its colour."""
    return f'<span class="ts-chip" style="background:{escape(color)}">{escape(text)}</span>'


def verdict(sentence: str, color: str) -> str:
    """Draw a sentence that says how things are, in the colour of its meaning."""
    return f'<p class="ts-verdict" style="border-color:{escape(color)}">{escape(sentence)}</p>'


def plain(text: object) -> str:
    """Escape a text for use in Markdown, so that data cannot become formatting or links."""
    kept = LINKED.sub("\\g<0>\u2060", str(text))  # Markdown makes links of escaped addresses all the same
    return "".join(f"\\{character}" if character in r"\`*_{}[]()<>#+-.!|~$:@" else character for character in kept)


def label(text: str) -> str:
    """Escape the label of a field only where Markdown would make something of it: screen readers read the escapes."""
    return text if HARMLESS.fullmatch(text) else plain(text)


@dataclass(frozen=True)
class Name:
    """One name in a list of names; `mark` says what is the matter with it, and `is_wrong` whether it must change."""

    text: str
    mark: str = ""
    is_wrong: bool = True


def names(title: str, listed: Sequence[Name]) -> str:
    """Draw names in their order, the marked ones in another colour and with what is the matter."""
    return (
        f'<div class="ts-names"><span class="ts-step-title">{escape(title)}</span>'
        f"<ol>{''.join(map(_name, listed))}</ol></div>"
    )


def _name(name: Name) -> str:
    text = escape(name.text) or "(no name)"
    kind = "ts-marked" if name.is_wrong else "ts-noted"
    return f'<li class="{kind}">{text} <small>{escape(name.mark)}</small></li>' if name.mark else f"<li>{text}</li>"


def before_and_after(before: Sequence[object], after: Sequence[object], columns: Sequence[str]) -> str:
    """Draw a row as it came above the row as it becomes; cells that differ are marked."""
    head = "".join(f"<th scope=col>{escape(str(name))}</th>" for name in columns)
    old, new = (
        "".join(
            f"<td><{tag}>{escape(str(cell))}</{tag}></td>" if cell != other else f"<td>{escape(str(cell))}</td>"
            for cell, other in zip(cells, others, strict=True)
        )
        for tag, cells, others in (("del", before, after), ("ins", after, before))
    )
    return (
        f'<div class="ts-scroll" tabindex="0" role="region" aria-label="The first such row, before and after">'
        f'<table class="ts-table"><tr><td></td>{head}</tr><tr><th scope=row>before</th>{old}</tr>'
        f"<tr><th scope=row>after</th>{new}</tr></table></div>"
    )


def scroll_to_top() -> None:
    """Bring the top of the page in sight."""
    top = "document.querySelector('[data-testid=stMain]')?.scrollTo({top: 0})"
    st.html(f"<script>{top}</script>", unsafe_allow_javascript=True)
