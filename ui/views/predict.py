"""Ask the model about one record, or about a whole CSV file."""

from typing import Any

import streamlit as st

from ui import context
from ui.components import file_predictions, headline
from ui.components.form import Form
from ui.components.markup import plain
from ui.components.prediction import show_answer, show_explanation
from ui.context import Json
from ui.errors import RefusedError, UiError


def show() -> None:
    """Draw the page."""
    definition = context.chosen_definition()
    headline.show(plain(definition["title"] or definition["name"]))
    st.markdown(plain(definition["description"]))
    single, many = st.tabs(["One record", "A CSV file"])
    with single:
        _show_single(definition)
    with many:
        file_predictions.show(definition)


def _show_single(definition: Json) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        form = Form(definition)
        record = form.ask()
    with right:
        if record is not None:
            _predict(definition, form, record)
        elif last := st.session_state.get(_key(definition)):
            _show(definition, *last)
        else:
            st.info("Fill in the form and choose **Predict**; the answer appears here.", icon=":material/arrow_back:")


def _predict(definition: Json, form: Form, record: dict[str, Any]) -> None:
    st.session_state.pop(_key(definition), None)
    given = {name: value for name, value in record.items() if value is not None}
    try:
        with st.spinner("Asking the model …"):
            answer = context.api().predict(definition["name"], [given])
            explanation = _explanation(definition["name"], given)
    except RefusedError as error:
        form.explain(error.failures)
        st.warning("**The model did not answer:** a value is not valid. What is wrong stands beside its field.")
        return
    st.session_state[_key(definition)] = (given, answer, explanation)
    _show(definition, given, answer, explanation)


def _explanation(use_case: str, record: Json) -> Json | None:
    try:
        return context.api().explain(use_case, record)
    except UiError:
        return None


def _show(definition: Json, record: Json, answer: Json, explanation: Json | None) -> None:
    show_answer(definition, answer)
    if explanation is None:
        st.caption("There is no explanation for this model version.")
    else:
        show_explanation(definition, record, explanation)


def _key(definition: Json) -> str:
    return f"answer_{definition['name']}"
