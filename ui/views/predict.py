"""Ask the model about one record, or about a whole CSV file."""

from typing import Any

import streamlit as st

from ui import address, answers, context, wide
from ui.answers import Answer
from ui.components import file_predictions, headline, notices
from ui.components.form import Form
from ui.components.markup import plain
from ui.components.prediction import show_answer, show_reasons
from ui.components.wide_form import WideForm
from ui.context import Json
from ui.errors import RefusedError, UiError

TABS = {"record": "One record", "csv": "A CSV file"}
PREDICTION = "prediction"  # the id of the answer in sight, in the address


def show() -> None:
    """Draw the page."""
    definition = context.chosen_definition()
    headline.show(plain(definition["title"] or definition["name"]))
    st.markdown(plain(definition["description"]))
    tabs = address.tabs(TABS)
    if tabs["csv"].open:
        with tabs["csv"]:
            file_predictions.show(definition)
    else:
        with tabs["record"]:
            _show_single(definition)


def _show_single(definition: Json) -> None:
    kind = WideForm if wide.is_wide(definition) else Form
    form = kind(definition, _model(definition))
    answer = _answer_in_address(definition, form)
    with st.container(key="ask"):
        said = st.container(key="said")  # above the form, where a phone keeps it in sight
        left, right = st.columns([2, 3], gap="large")
        if isinstance(form, WideForm):
            form.below = st.container()
        with left:
            record = form.ask(answer.record if answer else None)
        with right:
            if record is not None:
                answer = _predict(definition, form, record)
            elif answer is None:
                st.info("Fill in the form and choose **Predict**; the answer appears here.", icon=":material/info:")
            if answer:
                explained = show_reasons(definition, answer)
                if explained is not answer:
                    st.session_state[f"answer_{definition['name']}"] = explained
                    st.rerun()
        if answer:
            with said:
                show_answer(definition, answer)


def _model(definition: Json) -> Json:
    """Return what is known about the model; nothing while it cannot be asked, which stops nobody from asking it."""
    try:
        return context.model(definition["name"])
    except UiError:
        return {}


def _answer_in_address(definition: Json, form: Form | WideForm) -> Answer | None:
    """Return the answer that the address names, read back by its id; its record fills the form."""
    key = f"answer_{definition['name']}"
    asked, answer = address.changed(PREDICTION), st.session_state.get(key)
    if asked == "":  # back to where nothing was asked yet
        answer = None
    elif asked and (answer is None or answer.id != asked):
        try:
            answer = answers.find(context.api(), definition, asked, explained=not wide.is_wide(definition))
        except UiError as error:
            notices.show_error(error)
            return None
        if answer:
            form.fill(answer.record)
        else:
            st.warning(f"There is no prediction `{plain(asked)}` of this use case.", icon=":material/search_off:")
    st.session_state[key] = answer
    address.note(PREDICTION, answer.id if answer else None)
    return answer


def _predict(definition: Json, form: Form | WideForm, record: dict[str, Any]) -> Answer | None:
    key = f"answer_{definition['name']}"
    st.session_state.pop(key, None)
    given = {name: value for name, value in record.items() if value is not None}
    try:
        with st.spinner("Asking the model …"):
            explained = not wide.is_wide(definition)
            answer = answers.ask(context.api(), definition["name"], given, explained=explained)
    except RefusedError as error:
        address.note(PREDICTION, None)
        form.explain(error.failures)
        st.warning("**The model did not answer:** a value is not valid. What is wrong stands beside its field.")
        return None
    st.session_state[key] = answer
    address.note(PREDICTION, answer.id)
    return answer
