"""The pages, their order and the links between them."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import streamlit as st

from ui import address, context
from ui.components import times

PAGES = {
    "overview": ("Overview", ":material/account_tree:"),
    "predict": ("Predict", ":material/bolt:"),
    "past-predictions": ("Past predictions", ":material/history:"),
    "data-quality": ("Data quality", ":material/fact_check:"),
    "monitoring": ("Monitoring", ":material/monitoring:"),
    "models": ("Models", ":material/deployed_code:"),
}
LASTING = (context.USE_CASE, times.CHOICE)  # what holds on every page
FIRST = next(iter(PAGES))


def current() -> Any:  # noqa: ANN401  Streamlit's page type
    """Return the page the visitor is on."""
    return st.navigation([_page(path) for path in PAGES], position="hidden")


def show_menu() -> None:
    """Draw a link to every page; it keeps what the visitor chose for all of them."""
    for path, (title, icon) in PAGES.items():
        link(path, title, icon)


def link(path: str, label: str, icon: str, **parameters: str) -> None:
    """Draw a link to a page, in the state that the parameters of its address give it."""
    kept = {key: value for key in LASTING if (value := address.get(key))}
    st.page_link(_page(path), label=label, icon=icon, query_params={**kept, **parameters})


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
