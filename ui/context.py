"""What all pages share: the clients, the chosen use case, how times are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ui.api import Api
from ui.database import Database
from ui.errors import UiError
from ui.settings import Settings, read_settings

USE_CASE = "use_case"


@st.cache_resource
def settings() -> Settings:
    """Read the settings once."""
    return read_settings()


@st.cache_resource
def api() -> Api:
    """Return the client of the API that all visitors share."""
    return Api(settings())


@st.cache_resource
def database() -> Database:
    """Return the read-only database that all visitors share."""
    return Database(settings().database_url)


@dataclass(frozen=True)
class UseCases:
    """The use cases to choose from; `error` says why there are none."""

    summaries: list[dict[str, Any]]
    error: UiError | None = None

    def title(self, name: str) -> str:
        """Return the title of a use case."""
        return next((each["title"] or name for each in self.summaries if each["name"] == name), name)


def use_cases() -> UseCases:
    """Return the use cases the API offers."""
    try:
        return UseCases(_summaries())
    except UiError as error:
        return UseCases([], error)


@st.cache_data(ttl=60, show_spinner=False)
def _summaries() -> list[dict[str, Any]]:
    answer = api().use_cases()
    return sorted(answer["use_cases"], key=lambda each: each["name"] != answer.get("default"))


@st.cache_data(ttl=60, show_spinner=False)
def definition(name: str) -> dict[str, Any]:
    """Return the definition of a use case."""
    return api().use_case(name)


def chosen() -> str | None:
    """Return the use case the visitor chose; None while the API is away."""
    return st.session_state.get(USE_CASE)


def chosen_definition() -> dict[str, Any]:
    """Return the definition of the chosen use case; raise UiError."""
    name = chosen()
    if name is None:
        found = use_cases()
        raise found.error or UiError("There is no use case yet.", "Add its YAML file, then reload this page.")
    return definition(name)


def rules() -> Mapping[str, str]:
    """Return what each rule for files says, in the API's words; nothing while the API is unavailable."""
    try:
        return dict(chosen_definition().get("rules", {}))
    except UiError:
        return {}
