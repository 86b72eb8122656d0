"""Where else to look: the API's documentation, Grafana; and whether everything answers."""

from collections.abc import Callable

import streamlit as st

from ui import context
from ui.errors import UiError


def show_links() -> None:
    """Show what answers, and links to everything else."""
    _show_health()
    settings = context.settings()
    if settings.api_url:
        st.link_button("API documentation", f"{settings.api_url}/docs", icon=":material/api:", type="tertiary")
    if settings.grafana_url:
        st.link_button("Grafana", settings.grafana_url, icon=":material/query_stats:", type="tertiary")


def _show_health() -> None:
    api, database = _health()
    with st.container(gap="xsmall", key="health"):
        _show_badge("API", api)
        _show_badge("Database", database)


@st.cache_data(ttl=5, show_spinner=False)
def _health() -> tuple[bool, bool]:
    return _succeeds(context.api().health), _succeeds(lambda: context.database().row("SELECT 1 AS one"))


def _succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except UiError:
        return False
    return True


def _show_badge(name: str, well: bool) -> None:
    if well:
        st.badge(f"{name} answers", icon=":material/check_circle:", color="green")
    else:
        st.badge(f"{name} is away", icon=":material/error:", color="red")
