"""One file: its validation result, its report, its bad rows, and their repair."""

from typing import Any

import pandas as pd
import streamlit as st

from ui import context, queries
from ui.components import markup, notices, repair, times
from ui.components.markup import Step
from ui.errors import UiError
from ui.quarantine import in_words, reasons_in_words

PAGE = 200
REPORT_HEIGHT = 900


def show(file: "pd.Series[Any]") -> None:
    """Draw everything known about a file."""
    st.header(markup.plain(file["key"]), anchor=False)
    _show_counts(file)
    report, rows, mending = st.tabs(["Report", f"Bad rows ({file['rows_bad']:,})", "Repair and send again"])
    with report:
        _show_report(str(file["file_id"]), file["report_key"])
    with rows:
        _show_issues(str(file["file_id"]))
        _show_bad_rows(str(file["file_id"]), int(file["rows_bad"]))
    with mending:
        repair.show(file)


def _show_counts(file: "pd.Series[Any]") -> None:
    if file["status"] != "done":
        st.error(f"**The file was {file['status']}:** {markup.plain(file['error'] or 'no reason was given')}")
        return
    total, good, bad = (int(file[name]) for name in ("rows_total", "rows_good", "rows_bad"))
    predicted = file["predicted_at"]
    done = f"predicted {times.ago(predicted)}" if not pd.isna(predicted) else "predicted by the next run"
    stations = [
        Step("Rows checked", f"{total:,}", times.written(file["finished_at"])),
        Step("Good rows", f"{good:,}", done if good else "nothing to predict", "good"),
        Step("Bad rows, kept aside", f"{bad:,}", f"criticality: {file['criticality']}", "bad" if bad else "plain"),
    ]
    st.html(markup.steps(stations))


def _show_report(file_id: str, report_key: str | None) -> None:
    if report_key is None or pd.isna(report_key):
        notices.show_empty(
            "There is no report on this file yet.", "It is written right after the check; reload the page."
        )
        return
    try:
        html, link = context.api().report(file_id)
    except UiError as error:
        notices.show_error(error, retry=False)
        return
    st.link_button("Open the report in a tab of its own", link, icon=":material/open_in_new:")
    st.iframe(html, height=REPORT_HEIGHT, alt="The data quality report on this file")


def _show_issues(file_id: str) -> None:
    found = context.read(queries.ISSUES, file_id=file_id)
    if found.empty:
        return
    most, rules = int(found["rows"].max()), context.rules()
    st.markdown("**What was wrong, and in how many rows**")
    st.html(
        markup.bars(
            [
                markup.Bar(
                    f"{column}: {in_words(rule, rules)}" if column else in_words(rule, rules),
                    f"{rows:,}",
                    rows / most,
                    "down",
                )
                for column, rule, rows in found[["column_name", "rule", "rows"]].itertuples(index=False)
            ]
        )
    )


def _show_bad_rows(file_id: str, count: int) -> None:
    if not count:
        notices.show_empty("No bad rows.", "Every row of this file is good.")
        return
    found, rules = context.read(queries.BAD_ROWS, file_id=file_id, limit=PAGE), context.rules()
    shown = pd.DataFrame(
        {
            "row": found["row_number"],
            "line": found["line_number"],
            "why it is bad": [reasons_in_words(reasons, rules) for reasons in found["reasons"]],
            "the row as it came": found["raw"],
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        column_config={"why it is bad": st.column_config.TextColumn(width="large")},
        alt="Bad rows with their reasons",
    )
    if count > PAGE:
        st.caption(f"The first {PAGE:,} of {count:,} bad rows; the download under *Repair and send again* has all.")
