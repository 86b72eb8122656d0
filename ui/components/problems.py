"""Problems as rows: how bad, what it is, since when, where to look, and that somebody has seen it."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from ui import alerts, context, navigation
from ui.alerts import Problem
from ui.components import times
from ui.components.markup import plain
from ui.errors import UiError

COLORS = {"critical": "red", "high": "red", "warning": "orange", "medium": "orange"}
AT_ONCE = 5_000  # subjects that the API takes


@st.cache_data(ttl=4, show_spinner=False)
def current(use_case: str | None) -> pd.DataFrame:
    """Return the alerts that are open or seen, of a use case or of all; raise UiError."""
    return context.read(alerts.CURRENT, use_case=use_case)


def badge(severity: str, text: str = "") -> str:
    """Return the Markdown of a severity in its colour."""
    return f":{COLORS.get(severity, 'blue')}-badge[{text or severity}]"


def show(problems: Sequence[Problem], issues: str = "") -> None:
    """Draw problems; `issues` says what the rows of the files lack."""
    for number, problem in enumerate(problems):
        with st.container(border=True, gap="xsmall", key=f"problem_{number}"):
            _show(problem, number, issues)


def _show(problem: Problem, number: int, issues: str) -> None:
    since = f"since {times.brief(problem.since)}"
    if problem.status == "seen":
        since = f"seen, and still so {since}"
    st.markdown(f"{badge(problem.severity)} **{plain(problem.title)}** {since}")
    if said := " ".join(each for each in (problem.details, issues if problem.of_rows else "") if each):
        st.caption(plain(said))
    with st.container(horizontal=True, vertical_alignment="center"):
        navigation.link(problem.link.page, problem.link.label, ":material/arrow_forward:", **problem.link.state)
        if problem.status == "open":
            label = f"Seen ({problem.count:,})" if problem.count > 1 else "Seen"
            st.button(label, icon=":material/visibility:", key=f"seen_{number}", on_click=_acknowledge, args=(problem,))


def _acknowledge(problem: Problem) -> None:
    """Tell the API that the visitor has seen what the page showed; what came since stays open."""
    try:
        for place in range(0, problem.count, AT_ONCE):
            until = problem.until.isoformat()
            context.api().acknowledge(problem.rule, problem.subjects[place : place + AT_ONCE], until)
    except UiError as error:
        st.toast(f"**{error.what}** {error.advice}", icon=":material/error:")
    current.clear()


def issues(use_case: str | None, rules: Mapping[str, str]) -> str:
    """Say which rules the rows of all open files break most often; raise UiError."""
    return alerts.issues(_issues(use_case), rules)


@st.cache_data(ttl=30, show_spinner=False)
def _issues(use_case: str | None) -> pd.DataFrame:
    return context.read(alerts.ISSUES, use_case=use_case)
