"""Predict a CSV file: choose, look at it, send it in pieces, read and download the results."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from ui import context, records
from ui.components import notices, tables
from ui.components.markup import plain
from ui.context import Json
from ui.errors import RefusedError, UiError
from ui.records import Upload

CHUNK = 1_000
PREVIEW = 5
SHOWN = 1_000
MOST = 50_000


@dataclass(frozen=True)
class PredictedRow:
    """One row of the file with its prediction, or with why it was refused."""

    row: int
    features: Json
    entry: Json

    @property
    def refused(self) -> str:
        """Why the row was refused; an empty text when it was predicted."""
        return "; ".join(case["message"] for case in self.entry.get("error", ()))


def show(definition: Json) -> None:
    """Draw the part of the page for files."""
    _show_help(definition)
    chosen = st.file_uploader("Choose a CSV file, or drop it here", type="csv", key=f"file_{definition['name']}")
    if chosen is None:
        return
    body = chosen.getvalue()
    try:
        upload = records.read_csv(body, definition)
    except UiError as error:
        notices.show_error(error, retry=False)
        return
    _preview(upload)
    key = f"results_{definition['name']}_{chosen.file_id}"
    if _may_send(upload) and st.button(f"Predict {len(upload.rows):,} rows", type="primary", icon=":material/bolt:"):
        st.session_state[key] = _send(upload, definition)
    if results := st.session_state.get(key):
        _show_results(results, definition, chosen.name)


def _show_help(definition: Json) -> None:
    names = ", ".join(f"`{feature['name']}`" for feature in definition["features"])
    st.markdown(
        f"The first line names the columns: {names}; `{definition['id_column']}` and others may be there too. "
        "The file's rows are sent to the model now; answers appear below and under *Past predictions*."
    )
    tables.offer_csv("Get an example file", records.example_csv(definition), f"{definition['name']}-example")


def _preview(upload: Upload) -> None:
    st.markdown(f"**{len(upload.rows):,} rows.** The first ones:")
    st.dataframe(pd.DataFrame(upload.rows[:PREVIEW]), hide_index=True, alt="The first rows of the chosen file")
    if upload.unused:
        st.caption(f"Not used by the model: {plain(', '.join(upload.unused))}.")


def _may_send(upload: Upload) -> bool:
    if len(upload.rows) <= MOST:
        return True
    st.warning(
        f"More than {MOST:,} rows: send the file under *Data quality* instead; "
        "it is checked and predicted within minutes."
    )
    return False


def _send(upload: Upload, definition: Json) -> list[PredictedRow]:
    everything = list(records.records(upload, definition))
    results: list[PredictedRow] = []
    progress = st.progress(0.0, text="Predicting …")
    for chunk in records.chunks(everything, CHUNK):
        entries = _entries(definition["name"], chunk)
        results += [PredictedRow(len(results) + entry["index"] + 1, chunk[entry["index"]], entry) for entry in entries]
        progress.progress(len(results) / len(everything), text=f"{len(results):,} of {len(everything):,} rows")
    progress.empty()
    return results


def _entries(use_case: str, chunk: Sequence[Json]) -> list[Json]:
    """Predict a piece; when every row of it is refused, return their reasons like those of any other piece."""
    try:
        return list(context.api().predict(use_case, chunk)["predictions"])
    except RefusedError as error:
        found: dict[int, list[Json]] = {}
        for failure in error.failures:
            found.setdefault(int(failure.get("index", -1)), []).append(failure)
        if set(found) != set(range(len(chunk))):
            raise
        return [{"index": index, "error": found[index]} for index in range(len(chunk))]


def _show_results(results: list[PredictedRow], definition: Json, name: str) -> None:
    refused = sum(1 for result in results if result.refused)
    good, bad = st.columns(2)
    good.metric("Rows predicted", f"{len(results) - refused:,}", border=True)
    bad.metric("Rows refused", f"{refused:,}", border=True)
    shown = results
    if refused and st.toggle("Show refused rows only"):
        shown = [result for result in results if result.refused]
    frame = _frame(shown[:SHOWN], definition)
    st.dataframe(frame, hide_index=True, column_config=_columns(), alt="Features and predictions of each row")
    if len(shown) > SHOWN:
        st.caption(f"The first {SHOWN:,} rows are shown; the download has all {len(results):,}.")
    tables.offer_table("Download all results", _frame(results, definition), f"{name.removesuffix('.csv')}-predictions")


def _frame(results: list[PredictedRow], definition: Json) -> pd.DataFrame:
    names = [feature["name"] for feature in definition["features"]]
    return pd.DataFrame(
        {
            "row": result.row,
            "prediction": result.entry.get("label"),
            "probability": result.entry.get("probability"),
            "what is wrong": result.refused or None,
            definition["id_column"]: result.features.get("entity_id"),
            **{name: tables.text(result.features.get(name)) for name in names},
        }
        for result in results
    )


def _columns() -> dict[str, Any]:
    return {
        "row": st.column_config.NumberColumn("row", width="small"),
        "probability": tables.probability(),
        "what is wrong": st.column_config.TextColumn("what is wrong", width="large"),
    }
