"""The web page: `python -m streamlit run ui/app.py`."""

import streamlit as st

from ui import address, context, navigation
from ui.components import headline, markup, notices, times
from ui.errors import UiError


def main() -> None:
    """Draw the frame and the page the visitor is on."""
    page = navigation.current()
    st.set_page_config(page_title=f"{page.title} · tabserve", page_icon=":material/table_chart_view:", layout="wide")
    markup.use_style()
    notices.forget()
    headline.forget()
    banners = st.container(key="banners")
    with st.sidebar:
        menu = st.container(key="menu", gap="xxsmall")
        times.choose()
        links = st.container()
    _choose_use_case()
    with menu:
        navigation.show_menu()
    try:
        page.run()
    except UiError as error:
        headline.show_once(page.title)
        notices.show_error(error, retry=True)
    finally:  # last, so that a slow answer does not keep the page waiting; and whatever happens
        headline.fill(page.title)
        with banners:
            notices.show_banners()
        with links:
            notices.show_health()
            _show_links()


def _choose_use_case() -> None:
    """Let the visitor choose what every page is about; the choice goes along to other pages by the address."""
    try:
        titles = context.use_cases()
    except UiError as error:
        notices.remember(error)
        titles = {}
    if titles:
        address.choose("Use case", titles, context.USE_CASE, width=320)
    else:
        st.session_state.pop(context.USE_CASE, None)


def _show_links() -> None:
    """Link to the API's documentation and to Grafana."""
    settings = context.settings()
    if settings.api_url:
        st.link_button("API documentation", f"{settings.api_url}/docs", icon=":material/api:", type="tertiary")
    if settings.grafana_url:
        st.link_button("Grafana", settings.grafana_url, icon=":material/query_stats:", type="tertiary")


main()
