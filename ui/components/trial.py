"""The running trial: which version, since when, by whom and why, and both versions' figures beside each other."""

import streamlit as st

from ui import context, navigation, trial
from ui import release as releases
from ui.components import markup, notices, times
from ui.components.markup import percent, plain
from ui.context import Json
from ui.errors import UiError


def show(definition: Json, seen: Json) -> None:
    """Draw the trial there is, or why the last one was stopped."""
    if seen["trial"] is not None:
        with st.container(border=True, key="trial"):
            st.markdown(f"**On trial** {_sentence(seen)}")
            _show_figures(definition, seen)
            navigation.link("monitoring", "Both over time", ":material/monitoring:", tab="predictions")
    elif (stopped := releases.ended(seen["moves"])) is not None:
        st.info(f"**The last trial was stopped** {_since(stopped)}", icon=":material/stop_circle:")


def show_line(seen: Json) -> None:
    """Say in one line that there is a trial, with a link to it."""
    if seen["trial"] is not None:
        icon = releases.ICONS[seen["trial"]["kind"]]
        navigation.link("models", f"On trial: {_sentence(seen)}", icon)


@st.fragment(run_every=10)
def _show_figures(definition: Json, seen: Json) -> None:
    challenger, began = seen["trial"], seen["moves"][0]
    of_trial = {"use_case": seen["use_case"], "version": challenger["version"], "since": began["at"]}
    champion = {"champion": seen["champion"]} if challenger["kind"] == "canary" else {}
    try:
        found = context.read(trial.answers(definition, challenger["kind"]), **of_trial, **champion)
        scoring = context.read(trial.SCORING, use_case=seen["use_case"], trial=seen["number"])
        alike = context.database().row(trial.ALIKE, **of_trial) if challenger["kind"] == "shadow" else None
    except UiError as error:
        notices.show_error(error)
        return
    if found.empty and scoring.empty:
        st.caption("Nothing was scored by it yet. Every instance takes it up within 30 seconds.")
        return
    if alike is not None:
        st.markdown(trial.sentence(definition, alike))
    st.html(markup.beside("Champion and challenger since the trial began", trial.table(definition, found, scoring)))


def _sentence(seen: Json) -> str:
    challenger = seen["trial"]
    does = "scores what the champion answers, and answers nobody"
    if challenger["kind"] == "canary":
        does = f"answers {percent(challenger['share'])} of the entities, the same ones each time"
    return f"`{challenger['version']}` is {challenger['kind']}: it {does}. Started {_since(seen['moves'][0])}"


def _since(move: Json) -> str:
    who = f" by {plain(move['by'])}" if move["by"] else ""
    why = f": {plain(move['reason'])}" if move["reason"] else ""
    return f"{times.written(move['at'])}{who}{why}."
