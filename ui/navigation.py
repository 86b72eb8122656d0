"""The pages, their order and the links between them."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import streamlit as st

PAGES = {
    "overview": ("Overview", ":material/account_tree:"),
    "predict": ("Predict", ":material/bolt:"),
    "past-predictions": ("Past predictions", ":material/history:"),
    "data-quality": ("Data quality", ":material/fact_check:"),
    "monitoring": ("Monitoring", ":material/monitoring:"),
    "models": ("Models", ":material/deployed_code:"),
}
FIRST = next(iter(PAGES))


def current() -> Any:  # noqa: ANN401  Streamlit's page type
    """Draw the menu; return the page the visitor is on."""
    return st.navigation([_page(path) for path in PAGES])


def link(path: str, label: str, icon: str) -> None:
    """Draw a link to a page."""
    st.page_link(_page(path), label=label, icon=icon)


def module_of(path: str) -> str:
    """Return the name of the module that draws a page."""
    return f"ui.views.{path.replace('-', '_')}"


def _page(path: str) -> Any:  # noqa: ANN401
    title, icon = PAGES[path]
    return st.Page(_show(path), title=title, icon=icon, url_path=path, default=path == FIRST)


def _show(path: str) -> Callable[[], None]:
    # Pages link to each other through this module; imported here they may import it in turn.
    show: Callable[[], None] = import_module(module_of(path)).show
    return show
