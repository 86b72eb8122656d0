"""A file that was rejected or failed: what is wrong with it, and how it should begin."""

from typing import Any

import pandas as pd
import streamlit as st

from ui import context, file_header
from ui.components import markup, raw_upload
from ui.errors import UiError
from ui.file_header import Compared

NAMED = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def show(file: "pd.Series[Any]") -> None:
    """Say what is wrong, show the header beside the expected one, and take a corrected file."""
    rule, _, message = str(file["error"] or "").partition(": ")
    what = {"rejected": "The file was rejected", "failed": "The file could not be checked"}[str(file["status"])]
    st.error(f"**{what}:** {markup.plain(message or rule or 'no reason was given')}", icon=":material/block:")
    use_case = None if pd.isna(file["use_case"]) else str(file["use_case"])
    st.markdown("No row of it was taken; the file itself stays as it is.")
    if use_case is not None and (compared := _compared(str(file["file_id"]), use_case)) is not None:
        _show_headers(compared)
    st.markdown("**Send a corrected file**")
    raw_upload.show(use_case or context.chosen())


def _compared(file_id: str, use_case: str) -> Compared | None:
    try:
        return file_header.compare(context.api().raw_file_start(file_id), context.definition(use_case))
    except UiError:  # the sentence above holds without it
        return None


def _show_headers(compared: Compared) -> None:
    missing, unknown, repeated = compared.missing, compared.unknown, compared.repeated
    found = [markup.Name(name, _mark(name, unknown, repeated), is_wrong=name in repeated) for name in compared.found]
    expected = [markup.Name(name, "missing" if name in missing else "") for name in compared.expected]
    st.html(markup.names("The header of the file", found) + markup.names("The header expected", expected))
    if compared.delimiter != ",":
        st.caption(f"Its columns are separated by {NAMED[compared.delimiter]}; separate them by commas.")


def _mark(name: str, unknown: list[str], repeated: list[str]) -> str:
    if name in repeated:
        return "repeated"
    return "not read" if name in unknown else ""
