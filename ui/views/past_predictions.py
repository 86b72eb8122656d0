"""Look up past predictions: filter, page, chart, download, and note what really happened."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from ui import context, queries
from ui.components import charts, headline, notices, prediction_table, times
from ui.components.prediction_table import Filters
from ui.context import Json, label_of
from ui.errors import UiError

EVERYTHING = "all"
SOURCES = {
    EVERYTHING: "All sources",
    "webapp": "This page",
    "scheduled": "Scheduled predictions",
    "queue": "Queue",
    "api": "API",
}
SPANS = {"Last hour": 1, "Last 24 hours": 24, "Last 7 days": 168, "Last 30 days": 720, "Between two days": None}


def show() -> None:
    """Draw the page."""
    headline.show("Past predictions")
    definition = context.chosen_definition()
    filters = _ask(definition)
    _show_chart(filters, definition)
    prediction_table.show(filters, definition)


def _ask(definition: Json) -> Filters:
    name, target = definition["name"], definition["target"]
    with st.container(border=True, key="filters"):
        first, second, third, fourth = st.columns(4)
        span = first.selectbox("When", list(SPANS), index=1, key="span")
        source = second.selectbox("Source", list(SOURCES), format_func=SOURCES.__getitem__, key="source")
        version = third.selectbox(
            "Model version", [EVERYTHING, *_versions(name)], format_func=_all("All versions"), key=f"version_{name}"
        )
        class_ = fourth.selectbox(
            "Predicted class",
            [EVERYTHING, *map(str, target["classes"])],
            format_func=lambda text: "All classes" if text == EVERYTHING else label_of(definition, text),
            key=f"class_{name}",
        )
        start, end = _span(SPANS[span])
    chosen = {"source": source, "model_version": version, "prediction": class_}
    return Filters(name, span, start, end, {each: _one(choice) for each, choice in chosen.items()})


def _span(hours: int | None) -> tuple[datetime, datetime]:
    if hours is not None:
        end = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        return end - timedelta(hours=hours), end
    today = datetime.now(times.zone()).date()
    left, right = st.columns(2)
    first = left.date_input(f"From the start of ({times.zone_name()})", today - timedelta(days=1), key="from_day")
    last = right.date_input(f"To the end of ({times.zone_name()})", today, key="to_day")
    if first > last:
        raise UiError("The first day is after the last one.", "Choose them the other way round.")
    return _midnight(first), _midnight(last + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=times.zone()).astimezone(UTC)


def _one(choice: str) -> str | None:
    return None if choice == EVERYTHING else choice


def _all(text: str) -> Any:  # noqa: ANN401
    return lambda choice: text if choice == EVERYTHING else choice


@st.cache_data(ttl=30, show_spinner=False)
def _versions(use_case: str) -> list[str]:
    return [version["version"] for version in context.api().model(use_case)["versions"]]


def _show_chart(filters: Filters, definition: Json) -> None:
    try:
        found = _counts(filters)
    except UiError as error:
        notices.show_error(error, retry=False)
        return
    if found.empty:
        return
    width = queries.step(filters.start, filters.end)
    st.markdown(f"**{int(found['rows'].sum()):,} predictions** by class; one bar is {width}.")
    charts.show_classes(found, (filters.start, filters.end), definition)


@st.cache_data(ttl=20, show_spinner="Counting …")
def _counts(filters: Filters) -> pd.DataFrame:
    bounds = queries.steps(filters.start, filters.end)
    return context.read(queries.CLASSES_OVER_TIME, use_case=filters.use_case, **filters.chosen, **bounds)
