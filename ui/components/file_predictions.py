"""Predict a CSV file: choose, look at it, send it in pieces, read and download the results."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ui import context, csv_tables, records, wide
from ui.components import answer_columns, notices, prediction_charts, tables
from ui.components.markup import counted, plain
from ui.context import Json
from ui.errors import UiError
from ui.file_run import FileRun, PredictedRow, time_left

PREVIEW = 5
COLUMNS = wide.MANY
SHOWN = 1_000
MOST = 50_000
WRONG = "what is wrong"


def show(definition: Json) -> None:
    """Draw the part of the page for files."""
    _show_help(definition)
    kinds, key = ["csv", "gz"], f"file_{definition['name']}"
    chosen = st.file_uploader("Choose a CSV file, or drop it here", type=kinds, key=key)
    try:
        run = _run(definition, chosen)
    except UiError as error:
        notices.show_error(error)
        return
    if run is None:
        return
    _say_what_was_read(run)
    if not run.is_complete:
        _preview(run)
        _send(run)
    if run.results:
        _show_results(run.results, definition, run.name)


def _show_help(definition: Json) -> None:
    names = ", ".join(f"`{feature['name']}`" for feature in definition["features"])
    if wide.is_wide(definition):
        names = f"the {len(definition['features']):,} features, as in the example file"
    st.markdown(
        f"The first line names the columns: {names}; `{definition['id_column']}` and others may be there too. "
        "The file's rows are sent to the model now; answers appear below and under *Past predictions*. "
        f"At most {MOST:,} rows and {csv_tables.LARGEST / 1e6:.0f} MB; larger files go to *Data quality*."
    )
    tables.offer_csv("Get an example file", records.example_csv(definition), f"{definition['name']}-example")


def _run(definition: Json, chosen: UploadedFile | None) -> FileRun | None:
    """Return the run of the chosen file, which is read once; what was predicted outlasts the choice. Raises UiError."""
    key = f"run_{definition['name']}"
    run: FileRun | None = st.session_state.get(key)
    if chosen is None:
        return run if run and run.results else None
    if run is None or run.file_id != chosen.file_id:
        csv_tables.refuse_large(chosen.size)
        with st.spinner("Reading …"):
            upload = records.read_csv(chosen, definition, MOST)
            found = list(records.records(upload, definition))
        run = st.session_state[key] = FileRun(definition["name"], chosen.file_id, chosen.name, upload, found)
    return run


def _say_what_was_read(run: FileRun) -> None:
    read_as = f" Read as {run.upload.read_as}." if run.upload.read_as else ""
    unused = f" Not used by the model: {plain(', '.join(run.upload.unused))}." if run.upload.unused else ""
    st.markdown(f"**{plain(run.name)}: {counted(len(run.records), 'row')}.**{read_as}{unused}")


def _preview(run: FileRun) -> None:
    frame = pd.DataFrame(run.upload.rows[:PREVIEW]).replace("", None)
    if len(frame.columns) > COLUMNS:
        st.caption(f"The first {COLUMNS} of {len(frame.columns):,} columns:")
        frame = frame.iloc[:, :COLUMNS]
    tables.show(frame, "The first rows of the chosen file")


def _send(run: FileRun) -> None:
    """Offer to send what has no answer yet; a second click, or one after an interruption, sends no row twice."""
    sent, total = len(run.results), len(run.records)
    if sent or run.stopped_by:
        stopped_by = f" {run.stopped_by.what}" if run.stopped_by else ""
        st.warning(f"**{sent:,} of {total:,} rows are predicted and stay so.**{stopped_by}", icon=":material/pause:")
    label = f"Continue with row {sent + 1:,}" if sent else f"Predict {counted(total, 'row')}"
    if st.button(label, type="primary", icon=":material/bolt:"):
        run.stopped_by = None
        try:
            _send_rest(run)
        except UiError as error:
            run.stopped_by = error
        st.rerun()


def _send_rest(run: FileRun) -> None:
    sent, total = len(run.results), len(run.records)
    progress = st.progress(sent / total, text="Predicting …")
    started = time.monotonic()
    try:
        while not run.is_complete:
            run.send_piece(context.api())
            done = len(run.results)
            left = time_left(done - sent, total - sent, time.monotonic() - started)
            progress.progress(done / total, text=", ".join(filter(None, [f"{done:,} of {total:,} rows", left])))
    finally:
        progress.empty()


def _show_results(results: Sequence[PredictedRow], definition: Json, name: str) -> None:
    predicted = [result for result in results if not result.refused]
    refused = [result for result in results if result.refused]
    good, bad = st.columns(2)
    good.metric("Rows predicted", f"{len(predicted):,}", border=True)
    bad.metric("Rows refused", f"{len(refused):,}", border=True)
    if predicted:
        prediction_charts.show([result.entry for result in predicted], definition)
        frame = _frame(predicted[:SHOWN], definition, _names(definition)).drop(columns=WRONG)
        _show_table(definition, answer_columns.for_eyes(frame), "Predicted rows", len(predicted))
        if wide.is_wide(definition):
            st.caption(
                f"The first {COLUMNS} of {len(definition['features']):,} features are shown; the download has all."
            )
    if refused:
        _show_table(definition, _reasons(refused[:SHOWN], definition), "Refused rows", len(refused))
    file_name = f"{name.removesuffix('.csv')}-predictions"
    tables.offer_csv("Download all results", partial(_download, results, definition), file_name, primary=True)


def _names(definition: Json) -> list[str]:
    """Return the features to show: of many the first ones; the download has all."""
    return [feature["name"] for feature in definition["features"][:COLUMNS]]


def _download(results: Sequence[PredictedRow], definition: Json) -> bytes:
    ids = pd.Series([result.entry.get("prediction_id") for result in results], dtype=object)
    return tables.table_csv(_frame(results, definition).assign(prediction_id=ids))


def _show_table(definition: Json, frame: pd.DataFrame, title: str, count: int) -> None:
    st.header(title, anchor=False)
    tables.show(frame, f"{title} with their features", _columns(definition))
    if count > SHOWN:
        st.caption(f"The first {SHOWN:,} of {count:,} are shown; the download has all.")


def _reasons(refused: Sequence[PredictedRow], definition: Json) -> pd.DataFrame:
    """Return a line for each reason: what would be right, and what stands in the cell."""
    return pd.DataFrame(
        {
            "row": result.row,
            WRONG: reason,
            "value": tables.text(result.features.get(column)),
            definition["id_column"]: result.features.get("entity_id"),
        }
        for result in refused
        for column, reason in result.reasons
    )


def _frame(results: Sequence[PredictedRow], definition: Json, names: Sequence[str] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": [result.row for result in results],
            **answer_columns.cells(definition, [result.entry for result in results]),
            WRONG: [result.refused or None for result in results],
            definition["id_column"]: [result.features.get("entity_id") for result in results],
            **tables.features(definition, [result.features for result in results], names or _all(definition)),
        }
    )


def _all(definition: Json) -> list[str]:
    return [feature["name"] for feature in definition["features"]]


def _columns(definition: Json) -> dict[str, Any]:
    return {
        "row": st.column_config.NumberColumn("row", width="small"),
        **answer_columns.config(definition),
        WRONG: st.column_config.TextColumn(WRONG, width=400),
    }
