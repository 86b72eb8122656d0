"""One file: its verdict in words, how far its predictions are, its report, its bad rows, and their repair."""

import re
from typing import Any

import pandas as pd
import streamlit as st

from ui import address, context, progress, queries
from ui.components import file_report, markup, notices, raw_upload, refused_file, repair, source_quality, tables, times
from ui.components.markup import Step
from ui.errors import UiError
from ui.quarantine import in_words, reasons_in_words

PAGE = 200
REPAIRED = re.compile(r"-repaired-\d{8}T\d{6}\.csv$")
PARTS = {"report": "Report", "bad-rows": "Bad rows", "repair": "Repair and send again"}
TAB = "tab"  # the open one of them, in the address


def show(file: "pd.Series[Any]") -> None:
    """Draw everything known about a file."""
    st.header(markup.plain(name_of(file)), anchor=False)
    if file["status"] != "done":
        refused_file.show(file)
        source_quality.show(file)
        return
    _show_verdict(file)
    st.fragment(_show_counts, run_every=3 if _is_waiting(file) else None)(file)
    report, rows, mending = address.tabs(PARTS, TAB).values()
    if report.open:
        with report:
            file_report.show(str(file["file_id"]), file["report_key"])
    if rows.open:
        with rows:
            _show_issues(str(file["file_id"]), int(file["rows_total"]))
            _show_bad_rows(str(file["file_id"]), int(file["rows_bad"]))
    if mending.open:
        with mending:
            repair.show(file)
    source_quality.show(file)


def name_of(file: "pd.Series[Any]") -> str:
    """Return a file's key without the folder of the use case that is chosen anyway."""
    return str(file["key"]).removeprefix(f"{context.chosen()}/")


def _show_verdict(file: "pd.Series[Any]") -> None:
    total, good, bad = (int(file[name]) for name in ("rows_total", "rows_good", "rows_bad"))
    is_repaired = bool(REPAIRED.search(str(file["key"])))
    now, still = (" now", " still") if is_repaired else ("", "")
    rows, are = ("row", "is") if total == 1 else ("rows", "are")
    said = f"All {total:,} {rows} {are} good{now}." if total > 1 else f"The row is good{now}."
    if bad:
        said = f"{good:,} of {total:,} {rows} {'is' if good == 1 else 'are'} good{now}, {bad:,}{still} bad."
    said = f"**{said}** {markup.plain(raw_upload.note_on(str(file['key'])))}"
    if bad:
        st.warning(
            f"{said} They are kept aside: see *{PARTS['bad-rows']}*, or *{PARTS['repair']}*.", icon=":material/rule:"
        )
    else:
        st.success(said, icon=":material/done_all:")


def _is_waiting(file: "pd.Series[Any]") -> bool:
    return bool(file["rows_good"]) and pd.isna(file["predicted_at"]) and pd.isna(file["prediction_error"])


def _show_counts(file: "pd.Series[Any]") -> None:
    total, good, bad = (int(file[name]) for name in ("rows_total", "rows_good", "rows_bad"))
    done, waiting = _predictions(file)
    stations = [
        Step("Rows checked", total, times.written(file["finished_at"])),
        Step("Good rows", good, done, "good"),
        Step("Bad rows, kept aside", bad, f"criticality: {file['criticality']}", "bad" if bad else "plain"),
    ]
    st.html(markup.steps(stations))
    if waiting is not None:
        st.progress(waiting.share, text=waiting.text)
    elif not pd.isna(file["prediction_error"]):
        st.error(
            f"**The predictions were given up:** {markup.plain(file['prediction_error'])}", icon=":material/block:"
        )


def _predictions(file: "pd.Series[Any]") -> tuple[str, "progress.Progress | None"]:
    """Say what became of the good rows, with how far a file is that is not done."""
    if not file["rows_good"]:
        return "nothing to predict", None
    if not pd.isna(file["predicted_at"]):
        return f"predicted {times.ago(file['predicted_at'])}", None
    waiting = progress.of_file(context.database(), str(file["file_id"]))
    if waiting is not None:
        return waiting.short, waiting if waiting.has_begun else None
    if _is_waiting(file):  # it was, when it was read
        st.rerun()
    return "predictions given up", None


def _show_issues(file_id: str, total: int) -> None:
    found = context.read(queries.ISSUES, file_id=file_id)
    found = found[found["rows"] > 0]
    if found.empty:
        return
    rules = context.rules()
    st.markdown("**What was wrong, and in how many of the rows**")
    st.html(
        markup.bars(
            [
                markup.Bar(
                    f"{column}: {in_words(rule, rules)}" if column else in_words(rule, rules),
                    f"{rows:,} · {tables.share(rows, total)}",
                    rows / max(1, total),
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
    pages = -(-count // PAGE)
    page = st.number_input(f"Page, of {pages:,}", 1, pages, key=f"bad_page_{file_id}", width=160) if pages > 1 else 1
    rules = context.rules()
    _say_where_all_are(file_id, count)
    try:
        found = _page_of_bad_rows(file_id, int(page))
    except UiError as error:
        notices.show_error(error)
        return
    shown = pd.DataFrame(
        {
            "row": found["row_number"],
            "line": found["line_number"],
            "why it is bad": [reasons_in_words(reasons, rules) for reasons in found["reasons"]],
            "the row as it came": found["raw"],
        }
    )
    columns = {
        "row": tables.counts(width=80),
        "line": tables.counts(width=80),
        "why it is bad": st.column_config.TextColumn(width=520),
        "the row as it came": st.column_config.TextColumn(width=420),
    }
    tables.show(shown, "Bad rows with their reasons", columns)


@st.cache_data(ttl=600, max_entries=32, show_spinner="Reading the bad rows …")
def _page_of_bad_rows(file_id: str, page: int) -> pd.DataFrame:
    return context.bad_rows_of(file_id, (page - 1) * PAGE, PAGE)


def _say_where_all_are(file_id: str, count: int) -> None:
    if count <= queries.BAD_ROWS_STORED:
        return
    st.caption(
        f"The database has the first {queries.BAD_ROWS_STORED:,} of {count:,} bad rows; later pages are read from the "
        "file of all of them, which takes longer the later they are."
    )
    repair.offer_all(file_id, count)
