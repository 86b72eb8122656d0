"""Hand in what really happened as a CSV file: choose, look at what it would change, save it."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ui import context, csv_tables, outcomes
from ui.components import notices, tables
from ui.components.markup import counted
from ui.context import Json
from ui.errors import UiError
from ui.outcomes import ACTUAL, PIECE, PREDICTION, OutcomeFile
from ui.records import chunks

MOST = 50_000
CHECKED = "outcomes_checked"
SAVED = "outcomes_saved"
FIRST, SHOWN = 5, 1_000


def show(definition: Json, predictions: Sequence[Json]) -> None:
    """Draw the part of the page for outcomes by file; `predictions` are in sight and stand in the template."""
    with st.expander("Many outcomes at once: hand in a CSV file", icon=":material/upload_file:"):
        _show_help(definition, predictions)
        chosen = st.file_uploader("Choose a CSV file of outcomes", type="csv", key=f"outcomes_{definition['name']}")
        if chosen is None:
            return
        try:
            file = _checked(definition, chosen)
        except UiError as error:
            notices.show_error(error)
            return
        _show_checked(definition, file)
        _save(definition, file)


def _show_help(definition: Json, predictions: Sequence[Json]) -> None:
    words = " or ".join(f"`{label}`" for label in context.labels(definition)) or "the true number"
    st.markdown(
        f"Two columns: `{PREDICTION}` or `{definition['id_column']}`, and `{ACTUAL}` with {words}; others do no harm. "
        f"An outcome by `{definition['id_column']}` goes to the latest prediction about it. "
        "Handing in the same file twice changes nothing."
    )
    header, rows = outcomes.template(predictions, definition)
    tables.offer_csv("Get a template with the predictions above", tables.safe_csv(header, rows), "outcomes")


def _checked(definition: Json, chosen: UploadedFile) -> OutcomeFile:
    """Return what the chosen file would change; looked up once until something is saved. Raises UiError."""
    checked: tuple[str, OutcomeFile] = st.session_state.get(CHECKED, ("", None))
    file_id, file = checked
    if file_id != chosen.file_id:
        csv_tables.refuse_large(chosen.size)
        with st.spinner("Reading …"):
            file = outcomes.read(chosen, definition, MOST)
            file = outcomes.compare(file, definition["name"], context.database())
        st.session_state[CHECKED] = (chosen.file_id, file)
    return file


def _show_checked(definition: Json, file: OutcomeFile) -> None:
    to_save = sorted(file.to_save, key=lambda each: each.stored is None)  # what changes something stored comes first
    changing = sum(1 for each in to_save if each.stored is not None)
    wrong = sorted((each for each in file.outcomes if each.wrong), key=lambda each: each.row)
    counts = {
        "to save": len(to_save),
        "that change a stored outcome": changing,
        "stored already": len(file.outcomes) - len(to_save) - len(wrong),
        "that cannot be saved": len(wrong),
        "without an outcome": file.empty,
        "repeated, of which the last counts": file.repeated,
    }
    said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    read_as = f" Read as {file.read_as}." if file.read_as else ""
    st.markdown(f"**{counted(file.rows, 'row')}**: {said or 'nothing in them'}.{read_as}")
    if several := sum(1 for each in to_save if each.several):
        st.caption(f"{several:,} of them are about an id with several predictions: the latest one gets the outcome.")
    if to_save:
        frame = pd.DataFrame(
            {
                "row": each.row,
                "id": each.id,
                ACTUAL: context.label_of(definition, each.actual),
                "stored until now": each.stored and context.label_of(definition, each.stored),
            }
            for each in to_save[:FIRST]
        )
        tables.show(frame, "The first outcomes to save")
    if wrong:
        st.markdown("**Rows that cannot be saved**")
        frame = pd.DataFrame(
            {"row": each.row, "id": each.id, ACTUAL: each.text, "what is wrong": each.wrong} for each in wrong[:SHOWN]
        )
        tables.show(frame, "The rows that cannot be saved, and why")


def _save(definition: Json, file: OutcomeFile) -> None:
    to_save = file.to_save
    if message := st.session_state.pop(SAVED, ""):
        st.success(message, icon=":material/check:")
    if not to_save or not st.button(f"Save {counted(len(to_save), 'outcome')}", type="primary", icon=":material/save:"):
        return
    progress, saved = st.progress(0.0, text="Saving …"), 0
    try:
        for piece in chunks(to_save, PIECE):
            saved += context.api().save_outcomes(definition["name"], [each.record() for each in piece])
            progress.progress(saved / len(to_save), text=f"{saved:,} of {len(to_save):,} outcomes")
    except UiError as error:
        notices.show_error(error)
        st.warning(f"{saved:,} of {len(to_save):,} outcomes are saved; save again, and only the rest is sent.")
    else:
        st.session_state[SAVED] = f"Saved {counted(saved, 'outcome')}."
    finally:
        st.session_state.pop(CHECKED, None)
        progress.empty()
    if SAVED in st.session_state:
        st.rerun()
