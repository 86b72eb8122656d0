"""A form drawn from a use case's definition, and the fields of it."""

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from ui import features
from ui.components import markup
from ui.components.markup import number, plain
from ui.context import Json

Value = str | float | bool | None
NOT_KNOWN = "not known"
MOST_IN_SIGHT = 5
FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(2200, 12, 31)


class Fields:
    """The fields of one use case, each with a place beside it for what is wrong with its value."""

    def __init__(self, definition: Json, model: Json) -> None:
        """Prepare the fields; `model` is what `GET /model` tells, or nothing."""
        self._definition = definition
        self._vocabulary: Json = model.get("vocabulary", {})
        self._places: dict[str, Any] = {}

    def explain(self, failures: Sequence[Json]) -> None:
        """Say beside each field what is wrong with it; in sight of those that are not drawn, too."""
        for failure in failures:
            if place := self._places.get(failure.get("column", "")):
                place.markdown(f":red[:material/error: {plain(failure['message'])}.]")
            elif failure.get("column"):
                st.markdown(f":red[:material/error: {plain(failure['message'])}.]")

    def _field(self, feature: Json) -> Any:  # noqa: ANN401  a value of any type
        with st.container(gap="xxsmall"):
            value = self._asked(feature)
            self._places[feature["name"]] = st.empty()
        return value

    def _asked(self, feature: Json) -> Any:  # noqa: ANN401
        match feature["type"]:
            case "category" | "boolean":
                return self._choice(feature)
            case "date":
                common = self._common(feature)
                return st.date_input(label(feature), None, min_value=FIRST_DAY, max_value=LAST_DAY, **common)
            case "datetime":
                first, last = _midnight(FIRST_DAY), _midnight(LAST_DAY)
                common = self._common(feature)
                return st.datetime_input(label(feature), None, min_value=first, max_value=last, step=60, **common)
            case "text":
                most = feature["max_length"]
                return st.text_input(label(feature), max_chars=most, **self._common(feature, placeholder=True)) or None
            case _:
                return self._number(feature)

    def _first(self, feature: Json, record: Json) -> Any:  # noqa: ANN401
        value = record.get(feature["name"])
        if value is None and feature["required"] and features.is_number(feature):
            value = features.limits(feature)[0]
        return self._written(feature, value)

    def _written(self, feature: Json, value: Value) -> Any:  # noqa: ANN401
        """Return a value as the field of its feature holds it."""
        kind = feature["type"]
        if kind == "boolean" or features.categories(feature):
            options = _options(feature)
            return value if value in options else options[0]
        if value is None or kind in ("category", "text"):
            return value
        if kind == "date":
            return date.fromisoformat(str(value))
        if kind == "datetime":
            return _on_its_clock(feature, datetime.fromisoformat(str(value)))
        return int(value) if kind == "integer" else float(value)

    def _choice(self, feature: Json) -> Any:  # noqa: ANN401
        if feature.get("categories") == features.OPEN:
            learned = list(self._vocabulary.get(feature["name"], ()))
            known = st.session_state.get(self._key(feature))
            options = learned if known is None or known in learned else [known, *learned]
            return st.selectbox(
                label(feature), options, index=None, accept_new_options=True, **self._common(feature, placeholder=True)
            )
        options = _options(feature)
        arguments: dict[str, Any] = {"format_func": _option, "key": self._key(feature), "help": hint(feature)}
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
            **self._common(feature, placeholder=True),
        )

    def _common(self, feature: Json, *, placeholder: bool = False) -> dict[str, Any]:
        needed = "a number is needed" if features.is_number(feature) else "a value is needed"
        empty = needed if feature["required"] else f"{NOT_KNOWN} – leave empty"
        return {"key": self._key(feature), "help": hint(feature), **({"placeholder": empty} if placeholder else {})}

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
        return {name: sent(value) for name, value in given.items()} if submitted else None


def sent(value: Any) -> Any:  # noqa: ANN401
    """Return what a field holds as the API takes it."""
    return value.isoformat() if isinstance(value, date) else value


def _options(feature: Json) -> list[Any]:
    values = (True, False) if feature["type"] == "boolean" else feature["categories"]
    return [*values, *([] if feature["required"] else [None])]


def _option(option: object) -> str:
    if isinstance(option, bool):
        return "yes" if option else "no"
    return NOT_KNOWN if option is None else str(option)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _on_its_clock(feature: Json, moment: datetime) -> datetime:
    """Return a time as a clock in the feature's timezone shows it, which is how the field asks for it."""
    return moment.astimezone(ZoneInfo(feature["timezone"])).replace(tzinfo=None) if moment.tzinfo else moment


def label(feature: Json) -> str:
    """Name a field as people say it, with its unit and range."""
    name = markup.label(title(feature))
    if features.is_number(feature):
        about = features.in_words(feature)
    else:
        about = feature["timezone"] if feature["type"] == "datetime" else ""
    return f"{name} ({plain(about)})" if about else name


def title(feature: Json) -> str:
    """Return what a feature is, without the explanation that may follow a colon."""
    return str(feature["description"] or feature["name"]).split(": ")[0]


def hint(feature: Json) -> str:
    """Name the column of a field, and say whether it may be left out."""
    optional = "" if feature["required"] else " May be left out: the model then assumes a typical value."
    details = f"{plain(feature['description'])}. " if ": " in feature["description"] else ""
    return f"{details}Column `{feature['name']}`.{_usual(feature)}{optional}"


def _usual(feature: Json) -> str:
    if not feature.get("usual"):
        return ""
    low, high = feature["usual"]
    return f" Usually from {number(low)} to {number(high)}; other values are taken, too."


def _step(feature: Json) -> float:
    low, high = features.limits(feature)
    low, high = feature.get("usual") or (low, high)
    if low is None or high is None:
        return 1.0
    span = float(high) - float(low)
    return float(10.0 ** min(0, math.floor(math.log10(span / 50))))
