"""How data flows, how much of it is where, and whether every row is accounted for."""

from typing import Any

import pandas as pd
import streamlit as st

from ui import context, navigation, progress, queries
from ui.components import headline, markup, notices, tables, times
from ui.components.markup import Step
from ui.errors import UiError


def show() -> None:
    """Draw the page."""
    headline.show("From a file of rows to predictions you can trust")
    st.markdown(
        "CSV files arrive, **every row is checked**, good rows are predicted by the current model within two minutes, "
        "bad rows are kept aside with their reasons. Nothing is lost on the way, and what the models do is watched."
    )
    _show_flow()
    st.header("Start here", anchor=False)
    with st.container(horizontal=True):
        navigation.link("predict", "Predict one record", ":material/bolt:")
        navigation.link("predict", "Predict a CSV file", ":material/upload_file:", tab="csv")
        navigation.link("data-quality", "Check a CSV file and read its report", ":material/fact_check:")
        navigation.link("past-predictions", "Look up past predictions", ":material/history:")
    _show_latest()


@st.fragment(run_every=5)
def _show_flow() -> None:
    try:
        counts, missing = _counts()
    except UiError as error:
        notices.show_error(error)
        return
    st.html(markup.steps(_stations(counts)))
    if (waiting := counts["waiting"]) and waiting.has_begun:
        st.progress(waiting.share, text=waiting.text)
    if not counts["files"]:
        notices.show_empty(
            "No file has arrived yet.", "Open *Data quality* and send the example file: its report is there in seconds."
        )
    _show_reconciliation(counts, missing)


@st.cache_data(ttl=4, show_spinner=False)
def _counts() -> tuple[dict[str, Any], dict[str, int]]:
    return {**context.database().row(queries.FLOW), "waiting": progress.of_use_case(context.database())}, _unaccounted()


@st.cache_data(ttl=30, show_spinner=False)
def _unaccounted() -> dict[str, int]:
    return {name: int(count) for name, count in context.database().row(queries.UNACCOUNTED).items()}


def _stations(counts: dict[str, Any]) -> list[Step]:
    total, good, bad = (int(counts[name]) for name in ("rows_total", "rows_good", "rows_bad"))
    refused = int(counts["files_refused"])
    return [
        Step("Files arrived", f"{counts['files']:,}", f"last one {times.ago(counts['last_file'])}"),
        Step(
            "Rows checked", f"{total:,}", f"{refused:,} files could not be read" if refused else "every file readable"
        ),
        Step("Good rows", f"{good:,}", _waiting(counts), "good"),
        Step("Bad rows, kept aside", f"{bad:,}", f"{bad / total:.1%} of all rows" if total else "none so far", "bad"),
        Step("Predictions", f"{counts['predictions']:,}", f"{counts['predictions_scheduled']:,} of them from files"),
        Step("Outcomes known", f"{counts['outcomes']:,}", "what really happened"),
    ]


def _waiting(counts: dict[str, Any]) -> str:
    return str(counts["waiting"].short) if counts["waiting"] else "all of them predicted"


def _show_reconciliation(counts: dict[str, Any], missing: dict[str, int]) -> None:
    total, good, bad = (int(counts[name]) for name in ("rows_total", "rows_good", "rows_bad"))
    if not total:
        return
    if not any(missing.values()):
        st.success(
            f"**Every row is accounted for:** {total:,} checked = {good:,} good + {bad:,} bad; every bad row is kept, "
            "every good row of a finished file is predicted exactly once.",
            icon=":material/balance:",
        )
        return
    found = ", ".join(f"{count} at the step “{name}”" for name, count in missing.items() if count)
    st.error(f"**Rows are missing:** files that do not add up: {found}. See *Data quality* for the files.")


@st.fragment(run_every=10)
def _show_latest() -> None:
    try:
        _show_files_and_runs()
    except UiError as error:
        notices.show_error(error)


def _show_files_and_runs() -> None:
    left, right = st.columns(2)
    with left:
        st.header("Latest files", anchor=False)
        columns = {"Criticality": tables.chips(tables.CRITICALITY)}
        tables.show(_latest_files(), "The latest files with their verdicts", columns, "No file yet.")
    with right:
        st.header("Latest scheduled runs", anchor=False)
        empty = "No run yet; one starts every two minutes."
        tables.show(_latest_runs(), "The latest scheduled runs", empty=empty)


def _latest_files() -> pd.DataFrame:
    found = queries.files(context.database(), 5)
    return pd.DataFrame(
        {
            "File": found["key"],
            "Bad rows": [
                f"{bad:,} of {total:,}" for bad, total in zip(found["rows_bad"], found["rows_total"], strict=True)
            ],
            "Criticality": tables.chip(found["criticality"]),
            "When": [times.ago(time) for time in found["finished_at"]],
        }
    )


def _latest_runs() -> pd.DataFrame:
    found = context.read(queries.RUNS, limit=5)
    return pd.DataFrame(
        {
            "When": [times.ago(time) for time in found["finished_at"]],
            "Outcome": found["status"],
            "Files": found["files"],
            "Rows": found["rows"],
        }
    )
