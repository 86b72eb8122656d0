"""Look up past predictions: by id, by filters, page by page; their chart, download, and what really happened."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import streamlit as st

from ui import address, context, queries
from ui.components import charts, headline, notices, outcome_file, prediction_table, times
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
SPANS = {
    "hour": "Last hour",
    "day": "Last 24 hours",
    "week": "Last 7 days",
    "month": "Last 30 days",
    "days": "Between two days",
}
HOURS = {"hour": 1, "day": 24, "week": 168, "month": 720}
ID = "id"


def show() -> None:
    """Draw the page."""
    headline.show("Past predictions")
    definition = context.chosen_definition()
    filters = _ask(definition)
    if filters.id:
        st.info(
            "**Predictions with this id, whenever they were made:** the time and the other filters rest meanwhile.",
            icon=":material/search:",
        )
    else:
        _show_chart(filters, definition)
    shown = prediction_table.show(filters, definition)
    outcome_file.show(definition, shown)


def _ask(definition: Json) -> Filters:
    name, target = definition["name"], definition["target"]
    classes = {str(class_): label_of(definition, class_) for class_ in target["classes"]}
    versions = {version: version for version in _versions(name)}
    with st.container(border=True, key="filters"):
        sought = address.enter(f"Find by id: of a prediction, or {definition['id_column']}", ID, type="search")
        off = bool(sought)
        first, second, third, fourth = st.columns(4)
        with first:
            span = address.choose("When", SPANS, "when", default="day", disabled=off)
        with second:
            source = address.choose("Source", SOURCES, "source", disabled=off)
        with third:
            version = address.choose("Model version", {EVERYTHING: "All versions", **versions}, "version", disabled=off)
        class_ = EVERYTHING
        if classes:
            with fourth:
                class_ = address.choose(
                    "Predicted class", {EVERYTHING: "All classes", **classes}, "class", disabled=off
                )
        start, end = _span(span)
    chosen = {"source": source, "model_version": version, "prediction": class_}
    return Filters(name, span, start, end, {each: _one(choice) for each, choice in chosen.items()}, sought)


def _span(name: str) -> tuple[datetime, datetime]:
    if name in HOURS:
        end = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        return end - timedelta(hours=HOURS[name]), end
    today = datetime.now(times.zone()).date()
    left, right = st.columns(2)
    first = _day(left, f"From the start of ({times.zone_name()})", today - timedelta(days=1), "from")
    last = _day(right, f"To the end of ({times.zone_name()})", today, "to")
    if first > last:
        raise UiError("The first day is after the last one.", "Choose them the other way round.")
    return _midnight(first), _midnight(last + timedelta(days=1))


def _day(place: st.delta_generator.DeltaGenerator, label: str, default: date, key: str) -> date:
    day: date = place.date_input(label, default, key=key, bind="query-params", required=True)
    return day


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=times.zone()).astimezone(UTC)


def _one(choice: str) -> str | None:
    return None if choice == EVERYTHING else choice


@st.cache_data(ttl=30, show_spinner=False)
def _versions(use_case: str) -> list[str]:
    return [version["version"] for version in context.api().model(use_case)["versions"]]


def _show_chart(filters: Filters, definition: Json) -> None:
    try:
        found = _counts(filters, queries.predictions_over_time(definition))
    except UiError as error:
        notices.show_error(error)
        return
    if found.empty:
        return
    width = queries.step(filters.start, filters.end)
    by_class = " by class" if definition["target"]["classes"] else ""
    st.markdown(f"**{int(found['rows'].sum()):,} predictions**{by_class}; one bar is {width}.")
    charts.show_predictions(found, (filters.start, filters.end), definition)


@st.cache_data(ttl=20, show_spinner="Counting …")
def _counts(filters: Filters, query: str) -> pd.DataFrame:
    bounds = queries.steps(filters.start, filters.end)
    return context.read(query, use_case=filters.use_case, **filters.chosen, **bounds)
