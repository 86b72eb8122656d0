"""What all pages share: the clients, the use cases and the chosen one's definition."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from ui import bad_rows
from ui.api import ApiClient
from ui.database import ReaderDatabase
from ui.errors import UiError
from ui.settings import PageSettings, read_settings

USE_CASE = "use_case"
ENTITY = "entity_id"
SECONDS = 10  # that a definition is kept: a new one is seen soon
Json = Mapping[str, Any]


@st.cache_resource
def settings() -> PageSettings:
    """Read the settings once."""
    return read_settings()


@st.cache_resource
def api() -> ApiClient:
    """Return the client of the API that all visitors share."""
    return ApiClient(settings())


@st.cache_resource
def database() -> ReaderDatabase:
    """Return the read-only database that all visitors share."""
    return ReaderDatabase(settings().database_url)


def read(sql: str, **parameters: Any) -> pd.DataFrame:  # noqa: ANN401  whatever the driver takes
    """Return the rows of a query; raise UiError."""
    return database().frame(sql, **parameters)


def bad_rows_of(file_id: str, offset: int, limit: int) -> pd.DataFrame:
    """Return some bad rows of a file, in their order; raise UiError."""
    return bad_rows.read(database(), api(), file_id, offset, limit)


@st.cache_data(ttl=SECONDS, show_spinner=False)
def _listed() -> dict[str, Any]:
    return api().use_cases()


def retired() -> list[str]:
    """Return the names of the use cases that were retired; none while the API is unavailable."""
    try:
        return list(_listed().get("retired", ()))
    except UiError:
        return []


def use_cases() -> dict[str, str]:
    """Return the title of every use case by its name, the default one first; raise UiError."""
    answer = _listed()
    ordered = sorted(answer["use_cases"], key=lambda each: each["name"] != answer.get("default"))
    return {each["name"]: each["title"] or each["name"] for each in ordered}


@st.cache_data(ttl=SECONDS, show_spinner=False)
def definition(name: str) -> dict[str, Any]:
    """Return the definition of a use case; where rows have no ids, what a record may say about whom it is counts."""
    found = dict(api().use_case(name))
    return {**found, "has_ids": bool(found["id_column"]), "id_column": found["id_column"] or ENTITY}


@st.cache_data(ttl=60, show_spinner=False)
def model(name: str) -> dict[str, Any]:
    """Return what `GET /model` tells of a use case; raise UiError."""
    return api().model(name)


@st.cache_data(ttl=SECONDS, show_spinner=False)
def release(name: str) -> dict[str, Any]:
    """Return which version of a use case is champion, which one is on trial, and the last moves; raise UiError."""
    return api().release(name)


def forget_releases() -> None:
    """Read anew which versions answer and which use cases there are: somebody has moved them."""
    for each in (release, model, _listed, definition):
        each.clear()


def chosen() -> str | None:
    """Return the use case the visitor chose; None while the API is unavailable."""
    return st.session_state.get(USE_CASE)


def chosen_definition() -> dict[str, Any]:
    """Return the definition of the chosen use case; raise UiError."""
    name = chosen()
    if name is None:
        use_cases()
        raise UiError("There is no use case yet.", "Add its YAML file, then reload this page.")
    return definition(name)


def rules() -> Mapping[str, str]:
    """Return what each rule for files says, in the API's words; nothing while the API is unavailable."""
    try:
        return dict(chosen_definition().get("rules", {}))
    except UiError:
        return {}


def label_of(definition: Json, class_: object) -> str:
    """Return the name people read for a class."""
    target = definition["target"]
    texts = [str(each) for each in target["classes"]]
    return str(target["labels"][texts.index(str(class_))]) if target["labels"] and str(class_) in texts else str(class_)


def labels(definition: Json) -> list[str]:
    """Return the names people read for all classes."""
    return [label_of(definition, class_) for class_ in definition["target"]["classes"]]


def label_by_class() -> dict[str, str]:
    """Return the names people read for the classes of the chosen use case; nothing while the API is unavailable."""
    try:
        definition = chosen_definition()
    except UiError:
        return {}
    return {str(class_): label_of(definition, class_) for class_ in definition["target"]["classes"]}


def window_needs() -> str:
    """Say what closes a window of the monitor for the chosen use case."""
    try:
        window = chosen_definition().get("monitoring", {}).get("window", {})
    except UiError:
        window = {}
    if not window:
        return "some hundred predictions or an hour"
    minutes = int(window["minutes"])
    return f"{window['rows']:,} predictions or {'an hour' if minutes == 60 else f'{minutes} minutes'}"
