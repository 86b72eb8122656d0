"""A form drawn from a use case's definition, and the fields of it."""

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui.components import markup
from ui.components.markup import number, plain
from ui.context import Json

Value = str | float | bool | None
NOT_KNOWN = "not known"
MOST_IN_SIGHT = 5


class Fields:
    """The fields of one use case, each with a place beside it for what is wrong with its value."""

    def __init__(self, definition: Json) -> None:
        self._definition = definition
        self._places: dict[str, Any] = {}

    def explain(self, failures: Sequence[Json]) -> None:
        """Say beside each field what is wrong with it; in sight of those that are not drawn, too."""
        for failure in failures:
            if place := self._places.get(failure.get("column", "")):
                place.markdown(f":red[:material/error: {plain(failure['message'])}.]")
            elif failure.get("column"):
                st.markdown(f":red[:material/error: {plain(failure['message'])}.]")

    def _field(self, feature: Json) -> Any:  # noqa: ANN401  a category or a number
        with st.container(gap="xxsmall"):
            value = self._choice(feature) if feature["type"] == "category" else self._number(feature)
            self._places[feature["name"]] = st.empty()
        return value

    def _first(self, feature: Json, record: Json) -> Value:
        value = record.get(feature["name"])
        if value is None and feature["required"] and feature["type"] != "category":
            value = feature["minimum"]
        return self._written(feature, value)

    def _written(self, feature: Json, value: Value) -> Value:
        """Return a value as the field of its feature holds it."""
        if feature["type"] == "category":
            options = _options(feature)
            return value if value in options else options[0]
        if value is None:
            return None
        return int(value) if feature["type"] == "integer" else float(value)

    def _choice(self, feature: Json) -> Any:  # noqa: ANN401
        options = _options(feature)
        arguments: dict[str, Any] = {
            "format_func": lambda option: NOT_KNOWN if option is None else str(option),
            "key": self._key(feature),
            "help": hint(feature),
        }
        if len(options) <= MOST_IN_SIGHT:
            return st.radio(label(feature), options, horizontal=True, **arguments)
        return st.selectbox(label(feature), options, **arguments)

    def _number(self, feature: Json) -> float | int | None:
        whole = feature["type"] == "integer"
        return st.number_input(
            label(feature),
            value=None,
            step=1 if whole else _step(feature),
            format="%d" if whole else "%g",
            key=self._key(feature),
            help=hint(feature),
            placeholder=f"{NOT_KNOWN} – leave empty" if not feature["required"] else "a number is needed",
        )

    def _key(self, feature: Json) -> str:
        return f"field_{self._definition['name']}_{feature['name']}"


class Form(Fields):
    """All fields at once, sent together."""

    def fill(self, record: Json) -> None:
        """Put a record's values into the fields, in place of what stands there."""
        for feature in self._definition["features"]:
            st.session_state[self._key(feature)] = self._written(feature, record.get(feature["name"]))

    def ask(self, record: Json | None = None) -> dict[str, Any] | None:
        """Draw the form, empty fields filled from a record or else the example; return what the visitor submits."""
        shown = self._definition["example"] if record is None else record
        for feature in self._definition["features"]:
            st.session_state.setdefault(self._key(feature), self._first(feature, shown))
        with st.form(f"form_{self._definition['name']}", border=True):
            given = {feature["name"]: self._field(feature) for feature in self._definition["features"]}
            submitted = st.form_submit_button("Predict", type="primary", icon=":material/bolt:", width="stretch")
        return given if submitted else None


def _options(feature: Json) -> list[Any]:
    return [*feature["categories"], *([] if feature["required"] else [None])]


def label(feature: Json) -> str:
    """Name a field as people say it, with its unit and range."""
    name = markup.label(title(feature))
    if feature["type"] == "category":
        return name
    unit = f" {feature['unit']}" if feature["unit"] else ""
    return f"{name} ({number(feature['minimum'])} – {number(feature['maximum'])}{plain(unit)})"


def title(feature: Json) -> str:
    """Return what a feature is, without the explanation that may follow a colon."""
    return str(feature["description"] or feature["name"]).split(": ")[0]


def hint(feature: Json) -> str:
    """Name the column of a field, and say whether it may be left out."""
    optional = "" if feature["required"] else " May be left out: the model then assumes a typical value."
    details = f"{plain(feature['description'])}. " if ": " in feature["description"] else ""
    return f"{details}Column `{feature['name']}`.{optional}"


def _step(feature: Json) -> float:
    span = float(feature["maximum"]) - float(feature["minimum"])
    return float(10.0 ** min(0, math.floor(math.log10(span / 50))))
