"""The quality of one source over its files: the share of bad rows of each, over time, with a link to each file."""

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ui import context, sources
from ui.components import charts, markup, tables, times

MOST_FILES = 500
LISTED = 50
HEIGHT = 220
CHOSEN = "#0f172a"


def show(file: "pd.Series[Any]") -> None:
    """Draw the files of a file's source, where it has others."""
    key = str(file["key"])
    name = sources.source_of(key)
    if not name or pd.isna(file["use_case"]):
        return
    prefix = f"{key.rpartition('/')[0]}/{name}"
    found = context.read(sources.FILES_LIKE, use_case=file["use_case"], prefix=prefix, limit=MOST_FILES)
    files = sources.of_source(found, key)
    if len(files) < 2:
        return
    st.subheader(f"All files of {markup.plain(name)}", anchor=False)
    st.markdown(_sentence(files, file, name))
    shown = files.assign(time=charts.wall_clock(files["finished_at"]), link=[_link(each) for each in files["file_id"]])
    charts.show_legend(
        {level: tables.CRITICALITY[level] for level in tables.CRITICALITY if level in {*shown["criticality"]}}
    )
    charts.show(_chart(shown, str(file["file_id"])), f"Share of bad rows of the files of {name}: {_numbers(files)}")
    with st.expander(f"The newest {LISTED} of them" if len(files) > LISTED else "As a table"):
        _show_table(shown.iloc[::-1].head(LISTED), name)


def _sentence(files: pd.DataFrame, file: "pd.Series[Any]", name: str) -> str:
    whole = sources.summary(files)
    rejected = f", {whole.rejected:,} could not be read" if whole.rejected else ""
    own = int(file["rows_bad"]) / max(1, int(file["rows_total"])) if file["status"] == "done" else 1.0
    return (
        f"**{100 * whole.share:.1f} %** of {whole.rows:,} rows in {whole.files:,} files are bad{rejected}; of this "
        f"file {100 * own:.1f} %. Files whose names begin with {markup.plain(name)} and differ in a date or a number "
        "come from one source."
    )


def _chart(shown: pd.DataFrame, chosen: str) -> Any:  # noqa: ANN401
    span = (shown["finished_at"].min(), shown["finished_at"].max())
    margin = max((span[1] - span[0]) * 0.03, pd.Timedelta(minutes=1))
    width = max(3, min(18, 700 // len(shown)))
    base = alt.Chart(shown).encode(
        x=charts.time_axis((span[0] - margin, span[1] + margin)),
        y=charts.number_axis("share:Q", float(shown["share"].max()), "percentunit", "bad rows"),
        color=charts.color("criticality", tables.CRITICALITY),
        stroke=alt.condition(alt.datum.file_id == chosen, alt.value(CHOSEN), alt.value(None)),
        strokeWidth=alt.value(2),
        href="link:N",
        tooltip=[
            alt.Tooltip("key:N", title="file"),
            alt.Tooltip("time:T", title=f"time ({times.zone_name()})", format="%a %Y-%m-%d %H:%M"),
            alt.Tooltip("share:Q", title="bad rows", format=".1%"),
            alt.Tooltip("rows_total:Q", title="rows", format=","),
            "status:N",
        ],
    )
    bars = base.mark_bar(width=width, cursor="pointer")
    points = base.mark_circle(size=60, opacity=1, cursor="pointer")  # a file without bad rows has no bar to be seen
    return (bars + points).properties(height=HEIGHT)


def _show_table(shown: pd.DataFrame, name: str) -> None:
    frame = pd.DataFrame(
        {
            "file": [f"{link}#{key.rpartition('/')[2]}" for link, key in zip(shown["link"], shown["key"], strict=True)],
            "bad": [f"{100 * share:.1f} %" for share in shown["share"]],
            "criticality": tables.chip(shown["criticality"]),
            "rows": shown["rows_total"],
            "checked": pd.to_datetime(shown["finished_at"], utc=True),
        }
    )
    columns = {
        "file": st.column_config.LinkColumn(display_text=r"#(.*)$", width="large"),
        "criticality": tables.chips(tables.CRITICALITY),
        "rows": st.column_config.NumberColumn(format="localized"),
        "checked": times.column("checked"),
    }
    tables.show(frame, f"Files of {name}, newest first", columns)


def _link(file_id: object) -> str:
    return f"/data-quality?use_case={context.chosen()}&file={file_id}"


def _numbers(files: pd.DataFrame) -> str:
    return ", ".join(f"{100 * share:.1f} %" for share in files["share"].tail(12))
