"""What is wrong, how data flows, how much of it is where, and whether every row is accounted for."""

from typing import Any

import pandas as pd
import streamlit as st

from ui import alerts, context, navigation, progress, queries
from ui.components import headline, markup, notices, problems, tables, times, trial
from ui.components.markup import Step
from ui.errors import UiError

WORST = 5
STEPS = {
    "split": "whose good and bad rows are not all their rows",
    "kept": "whose bad rows were not all kept",
    "predicted": "whose good rows do not all have a prediction",
}
MANY_BAD = 0.1  # of the rows of a day; the share from which dashboards warn


def show() -> None:
    """Draw the page."""
    headline.show("From a file of rows to predictions you can trust")
    use_case = context.chosen()
    _show_wrong(use_case)
    _show_trial(use_case)
    st.markdown(
        "CSV files arrive, **every row is checked**, good rows are predicted by the current model within two minutes, "
        "bad rows are kept aside with their reasons. Nothing is lost on the way, and what the models do is watched."
    )
    _show_flow(use_case)
    st.header("Start here", anchor=False)
    with st.container(horizontal=True):
        navigation.link("predict", "Predict one record", ":material/bolt:")
        navigation.link("predict", "Predict a CSV file", ":material/upload_file:", tab="csv")
        navigation.link("data-quality", "Check a CSV file and read its report", ":material/fact_check:")
        navigation.link("past-predictions", "Look up past predictions", ":material/history:")
    _show_latest(use_case)


def _show_trial(use_case: str | None) -> None:
    if use_case is None:
        return
    try:
        trial.show_line(context.release(use_case))
    except UiError as error:
        notices.remember(error)


@st.fragment(run_every=10)
def _show_wrong(use_case: str | None) -> None:
    """Say first what is wrong, each part with a link to where it is explained."""
    try:
        current, counts, missing = problems.current(use_case), _counts(use_case), _unaccounted(use_case)
    except UiError as error:
        notices.show_error(error)
        return
    found = [problem for problem in alerts.problems(current) if problem.status == "open"]
    said = _bad_files(counts)
    if not found and not said and not any(missing.values()):
        st.success("**Nothing is wrong:** no alert is open.", icon=":material/check_circle:")
        return
    st.header("What is wrong", anchor=False)
    _show_missing(missing)
    if said:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"{problems.badge('high', 'last 24 hours')} **{said}**")
            navigation.link("data-quality", "See the files", ":material/arrow_forward:")
    problems.show(found[:WORST], problems.issues(use_case, context.rules()))
    if len(found) > WORST:
        navigation.link("monitoring", f"All {len(found)} problems", ":material/arrow_forward:")


def _bad_files(counts: dict[str, Any]) -> str:
    total, bad, refused = (int(counts[f"lately_{name}"]) for name in ("total", "bad", "refused"))
    said = [f"{bad:,} of {total:,} rows are bad ({_share(bad, total)})"] if total and bad / total >= MANY_BAD else []
    if refused:
        said.append(f"{refused:,} {'files are' if refused > 1 else 'file is'} rejected as a whole")
    return ", ".join(said)


def _show_missing(missing: dict[str, int]) -> None:
    if any(missing.values()):
        found = ", ".join(f"{count:,} {STEPS.get(name, name)}" for name, count in missing.items() if count)
        with st.container(border=True, gap="xsmall"):
            st.markdown(
                f"{problems.badge('critical')} **Rows are missing:** of some files not every row is there: {found}"
            )
            navigation.link("data-quality", "See the files", ":material/arrow_forward:")


@st.fragment(run_every=5)
def _show_flow(use_case: str | None) -> None:
    try:
        counts, missing = _counts(use_case), _unaccounted(use_case)
    except UiError as error:
        notices.show_error(error)
        return
    if use_case is None:
        st.caption("All use cases together: the API, which names them, is away.")
    st.html(markup.steps(_stations(counts)))
    if (waiting := counts["waiting"]) and waiting.has_begun:
        st.progress(waiting.share, text=waiting.text)
    if not counts["files"]:
        notices.show_empty(
            "No file has arrived yet.", "Open *Data quality* and send the example file: its report is there in seconds."
        )
    total, good, bad = (int(counts[name]) for name in ("rows_total", "rows_good", "rows_bad"))
    if total and not any(missing.values()):
        st.success(
            f"**Every row is accounted for:** {total:,} checked = {good:,} good + {bad:,} bad; every bad row is kept, "
            "every good row of a finished file is predicted exactly once.",
            icon=":material/balance:",
        )


@st.cache_data(ttl=4, show_spinner=False)
def _counts(use_case: str | None) -> dict[str, Any]:
    database = context.database()
    waiting = progress.of_use_case(database, use_case)
    return {**database.row(queries.FLOW, use_case=use_case), "waiting": waiting}


@st.cache_data(ttl=30, show_spinner=False)
def _unaccounted(use_case: str | None) -> dict[str, int]:
    found = context.database().row(queries.UNACCOUNTED, use_case=use_case, stored=queries.BAD_ROWS_STORED)
    return {name: int(count) for name, count in found.items()}


def _stations(counts: dict[str, Any]) -> list[Step]:
    files, total, good, bad = (int(counts[name]) for name in ("files", "rows_total", "rows_good", "rows_bad"))
    refused, waiting = int(counts["files_refused"]), counts["waiting"]
    last = f"the last one {times.ago(counts['last_file'])}" if files else "none so far"
    unread = f"{refused:,} files could not be read" if refused else "every file readable"
    predicted = str(waiting.short) if waiting else "all of them predicted"
    from_files = f"{int(counts['predictions_scheduled']):,} of them from files"
    return [
        Step("Files arrived", files, last),
        Step("Rows checked", total, unread if files else "none so far"),
        Step("Good rows", good, predicted if good else "none so far", "good"),
        Step("Bad rows, kept aside", bad, f"{_share(bad, total)} of all rows" if total else "none so far", "bad"),
        Step("Predictions", int(counts["predictions"]), from_files if counts["predictions"] else "none so far"),
        Step("Outcomes known", int(counts["outcomes"]), "what really happened"),
    ]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


@st.fragment(run_every=10)
def _show_latest(use_case: str | None) -> None:
    try:
        files, runs = _latest_files(use_case), _latest_runs()
    except UiError as error:
        notices.show_error(error)
        return
    left, right = st.columns(2)
    with left:
        st.header("Latest files", anchor=False)
        columns = {"Criticality": tables.chips(tables.CRITICALITY)}
        tables.show(files, "The latest files with their verdicts", columns, "No file yet.")
    with right:
        st.header("Latest scheduled runs", anchor=False)
        empty = "No run yet; one starts every two minutes."
        tables.show(runs, "The latest scheduled runs, of all use cases", empty=empty)
        st.caption("A run predicts the good rows of all use cases.")


def _latest_files(use_case: str | None) -> pd.DataFrame:
    found = queries.files(context.database(), 5, use_case=use_case)
    return pd.DataFrame(
        {
            "File": [alerts.name(key) for key in found["key"]],
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
            "Files": [f"{count:,}" for count in found["files"]],
            "Rows": [f"{count:,}" for count in found["rows"]],
        }
    )
