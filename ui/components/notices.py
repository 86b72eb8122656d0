"""Whether everything answers, what went wrong, and what to do next."""

from collections.abc import Callable, Sequence

import streamlit as st

from ui import context
from ui.errors import Cause, UiError

AWAY = "_away"  # what this run of the page could not show, by what is away
NAMES: dict[Cause, str] = {"api": "API", "database": "Database"}
NEEDED_FOR: dict[Cause, str] = {
    "api": "Predicting, files, reports and models need it; what happened before can still be read.",
    "database": "Files, alerts, drift and everything counted need it; predicting works without.",
}


def forget() -> None:
    """Begin a run of the page: nothing is known to be away."""
    st.session_state[AWAY] = {cause: [] for cause in NAMES}


def remember(error: UiError) -> None:
    """Remember what is away, for the banner at the top of the page."""
    if error.away:
        _met()[error.away].append(error)


def show_error(error: UiError, *, retry: bool = False) -> None:
    """Say what went wrong and the way out; where something is away, the banner at the top of the page says so."""
    if error.away:
        remember(error)
        st.caption(f":material/cloud_off: Not shown. {error.what}")
        return
    st.error(f"**{error.what}** {error.advice}", icon=":material/error:")
    if retry:  # in one place of the page only
        st.button("Try again", icon=":material/refresh:", key="retry")


def show_empty(what: str, advice: str) -> None:
    """Say that there is nothing yet and how that changes."""
    st.info(f"**{what}** {advice}", icon=":material/inbox:")


def show_banners() -> None:
    """Say once what is away, how much of the page that concerns, and the way out.

    The page is drawn anew by itself when something goes away or comes back.
    """
    broken = _broken()
    for cause, met in _met().items():
        if errors := met or broken[cause]:
            parts = f" {len(met)} parts of this page wait for it." if len(met) > 1 else ""
            what, advice = errors[0].what, errors[0].advice
            st.error(f"**{what}**{parts} {NEEDED_FOR[cause]} {advice}", icon=":material/cloud_off:")
    if not all(answering().values()):
        st.button("Try again", icon=":material/refresh:", key="retry_away", on_click=_broken.clear)
    _watch([cause for cause in NAMES if broken[cause]])


@st.fragment(run_every=5)
def _watch(away: Sequence[Cause]) -> None:
    if away != [cause for cause in NAMES if _broken()[cause]]:
        st.rerun()


def show_health() -> None:
    """Show whether the API and the database answer."""
    with st.container(gap="xsmall", key="health"):
        for cause, answers in answering().items():
            if answers:
                st.badge(f"{NAMES[cause]} answers", icon=":material/check_circle:", color="green")
            else:
                st.badge(f"{NAMES[cause]} is away", icon=":material/error:", color="red")


def answering() -> dict[Cause, bool]:
    """Tell what answers, by what was asked a moment ago and by what this run of the page has met."""
    broken = _broken()
    return {cause: not (met or broken[cause]) for cause, met in _met().items()}


def _met() -> dict[Cause, list[UiError]]:
    met: dict[Cause, list[UiError]] = st.session_state[AWAY]
    return met


@st.cache_data(ttl=4, show_spinner=False)
def _broken() -> dict[Cause, list[UiError]]:
    """Ask both whether they answer; return an error for what does not."""
    return {"api": _error(context.api().health), "database": _error(lambda: context.read("SELECT 1"))}


def _error(call: Callable[[], object]) -> list[UiError]:
    try:
        call()
    except UiError as error:
        return [UiError(error.what, error.advice)]
    return []
