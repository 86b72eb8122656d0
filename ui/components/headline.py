"""The title of a page, and below it a line on how everything is: alerts, drift, accuracy, and what answers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from ui import alerts, context, drift, navigation, numbers
from ui.components import notices, problems
from ui.components.markup import percent, plain
from ui.context import Json
from ui.errors import UiError

PLACE = "_headline"
FEWEST_ERRORS = 50  # before, an interval around their mean says nothing
RECENT = timedelta(days=7)
LOOKED_AT = {"tab": "predictions", "when": "7d"}
# The newest window of each kind; what was measured later than estimated is what counts.
PERFORMANCE = """
SELECT DISTINCT ON (kind) kind, value, low, high, n FROM performance_metrics
WHERE use_case = :use_case AND metric = :metric AND n >= :least AND value IS NOT NULL AND window_end >= :since
ORDER BY kind, window_end DESC
"""


def forget() -> None:
    """Begin a run of the page: it has no title yet."""
    st.session_state[PLACE] = None


def show(title: str) -> None:
    """Draw the title of a page, as Markdown, and keep a place for the line."""
    st.title(title)
    st.session_state[PLACE] = st.container(key="state")


def show_once(title: str) -> None:
    """Draw a title for a page that broke before its own."""
    if st.session_state[PLACE] is None:
        show(title)


def fill(title: str) -> None:
    """Draw the line below the title."""
    show_once(title)
    with st.session_state[PLACE]:
        _draw(context.chosen())


@st.fragment(run_every=10)
def _draw(use_case: str | None) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        try:
            _show_worst(problems.current(use_case))
            if use_case is not None:
                _show_drift(use_case)
                _show_performance(context.definition(use_case))
        except UiError as error:
            st.markdown(f":material/cloud_off: Alerts, drift and accuracy are not known. {plain(error.what)}")
        away = [notices.NAMES[cause] for cause, answers in notices.answering().items() if not answers]
        if away:
            st.badge(f"{' and '.join(away)} away", icon=":material/error:", color="red")
        else:
            st.badge("API and database answer", icon=":material/check_circle:", color="green")


def _show_worst(current: pd.DataFrame) -> None:
    found = [problem for problem in alerts.problems(current) if problem.status == "open"]
    if not found:
        navigation.link("monitoring", "No open alert", ":material/notifications_off:")
        return
    worst, more = found[0], sum(alerts.counts(current).values()) - found[0].count
    label = f"{problems.badge(worst.severity)} **{plain(worst.title)}**"
    navigation.link(worst.link.page, label, ":material/notifications_active:", **worst.link.state)
    if more:
        navigation.link("monitoring", f"{more:,} more open", ":material/list:")


def _show_drift(use_case: str) -> None:
    now = datetime.now(UTC)
    window = drift.window(_last_window(use_case, now.replace(second=0, microsecond=0)), {})
    if window is None:
        text, state = f"Drift is not known yet: needs {context.window_needs()}", LOOKED_AT
    else:
        text = drift.sentence(window).removesuffix(".")
        state = LOOKED_AT | ({"column": window.columns[0].feature} if window.drifted else {})
    navigation.link("monitoring", plain(text), ":material/stacked_line_chart:", **state)


def _show_performance(definition: Json) -> None:
    """Say how good the answers are: the accuracy of classes, the mean absolute error of numbers."""
    regression = numbers.is_regression(definition)
    name, metric = ("Mean error", "mae") if regression else ("Accuracy", "accuracy")
    write: Callable[[float], str] = partial(numbers.with_unit, definition) if regression else percent
    known = {str(row["kind"]): row for row in _performance(definition["name"], metric).to_dict("records")}
    trained = _in_training(definition["name"], metric)
    before = f"; {write(trained)} in training" if trained is not None else ""
    if not known:
        needs = f"{context.window_needs()}{' with outcomes' if regression else ''}"
        text = f"{name} is not known yet: needs {needs}{before}"
    else:
        kind = "measured" if "measured" in known else "estimated"
        text = f"{name} {_interval(known[kind], write)} {kind}{before}"
    navigation.link("monitoring", plain(text), ":material/target:", **LOOKED_AT)


def _interval(row: Mapping[Any, Any], write: Callable[[float], str]) -> str:
    interval = "" if pd.isna(row["low"]) else f" ({write(row['low'])} to {write(row['high'])})"
    return f"{write(row['value'])}{interval}"


@st.cache_data(ttl=15, show_spinner=False)
def _last_window(use_case: str, until: datetime) -> pd.DataFrame:
    return context.read(drift.LAST_WINDOW, use_case=use_case, start=until - RECENT, end=until + timedelta(minutes=1))


@st.cache_data(ttl=15, show_spinner=False)
def _performance(use_case: str, metric: str) -> pd.DataFrame:
    return context.read(
        PERFORMANCE,
        use_case=use_case,
        metric=metric,
        least=FEWEST_ERRORS if metric == "mae" else 1,
        since=datetime.now(UTC) - RECENT,
    )


@st.cache_data(ttl=60, show_spinner=False)
def _in_training(use_case: str, metric: str) -> float | None:
    try:
        champion = context.api().model(use_case)["champion"] or {}
    except UiError:
        return None
    found = champion.get("metrics", {}).get(metric)
    return None if found is None else float(found["value"])
