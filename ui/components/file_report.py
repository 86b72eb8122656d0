"""The report on a file, as a part of the page."""

import re

import pandas as pd
import streamlit as st

from ui import context
from ui.components import notices
from ui.errors import UiError

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
PART = re.compile(r'<main class="ts-report">(.*)</main>', re.DOTALL)


def show(file_id: str, report_key: str | None) -> None:
    """Draw the report, in the page's own letters and as long as it is."""
    if report_key is None or pd.isna(report_key):
        advice = "It is written right after the check; reload the page."
        notices.show_empty("There is no report on this file yet.", advice)
        return
    try:
        html, link = context.api().report(file_id)
    except UiError as error:
        notices.show_error(error)
        return
    style, part = STYLE.search(html), PART.search(html)
    if style and part:
        st.html(f'{style.group()}<div class="ts-report">{part.group(1)}</div>')  # a page has one main part
    else:  # written by an earlier version
        st.iframe(html, height=900, alt="The data quality report on this file")
    st.link_button("Open the report in a tab of its own", link, icon=":material/open_in_new:", type="tertiary")
