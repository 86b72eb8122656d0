"""A page of stored predictions, their ground truth and their download."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from ui import address, context, navigation, numbers, queries, wide
from ui.components import answer_columns, notices, tables, times
from ui.components.markup import counted
from ui.components.paging import Cursors
from ui.context import Json, label_of
from ui.errors import UiError

PAGE = 50
DOWNLOAD = 5_000
DOWNLOADED_CELLS = 1_000_000
COLUMNS = 8  # of many features, those chosen at first
ACTUAL = "what happened"
PREDICTION_ID = "prediction_id"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
HELD = "history_held"


@dataclass(frozen=True)
class Filters:
    """What to look for; `end` is not included. With an id, nothing else of it counts but the use case."""

    use_case: str
    span: str
    start: datetime
    end: datetime
    chosen: Mapping[str, str | None]  # source, model version and predicted class; None is any
    id: str = ""

    def queries(self) -> list[dict[str, Any]]:
        """Return these filters as the API takes them; what an id may be of is asked in turn."""
        if not self.id:
            bounds = {"from": self.start.isoformat(), "to": self.end.isoformat()}
            return [{"use_case": self.use_case, **bounds, **self.chosen}]
        entity = {"use_case": self.use_case, "entity_id": self.id}
        prediction = {"use_case": self.use_case, PREDICTION_ID: self.id.lower()}
        return [prediction, entity] if UUID.fullmatch(self.id) else [entity]

    @property
    def choice(self) -> tuple[str | None, ...]:
        """What the visitor chose; unlike the bounds of “last hour” it stays the same while paging."""
        bounds = (self.start.isoformat(), self.end.isoformat()) if self.span == "days" else ()
        return (self.use_case, self.id, self.span, *bounds, *self.chosen.values())


def show(filters: Filters, definition: Json) -> Sequence[Json]:
    """Draw one page of predictions with its buttons; return the predictions."""
    cursors = Cursors("history", filters.choice, key="page")
    answer = _page(filters, cursors.current)
    found: Sequence[Json] = answer["predictions"]
    if not found:
        _say_nothing_found(filters, definition)
        return found
    _show_table(answer, definition, _chosen(definition))
    if filters.id and len(found) == 1:
        _show_id(found[0])
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if cursors.number > 1 or answer["next_cursor"]:
            cursors.show(answer["next_cursor"])
        _offer_download(filters, definition)
    return found


def _chosen(definition: Json) -> list[str] | None:
    """Let people choose the columns of many features; None is all of them."""
    if not wide.is_wide(definition):
        return None
    names = [each["name"] for each in (*definition["features"], *definition["derived"])]
    important = wide.most_important(definition, context.model(definition["name"]), COLUMNS)
    return address.several(f"Columns of {len(names):,} features", names, "columns", important)


def _say_nothing_found(filters: Filters, definition: Json) -> None:
    if filters.id:
        what = f"There is no prediction with this id, and none about this {definition['id_column']}."
        notices.show_empty(what, "Look at the use case above, and whether the id is whole.")
    else:
        advice = "Choose a longer time or other filters, or make one under *Predict*."
        notices.show_empty("No prediction matches.", advice)


def _show_id(prediction: Json) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.code(prediction[PREDICTION_ID], language=None, width="content")
        navigation.link("predict", "See why", ":material/bolt:", prediction=prediction[PREDICTION_ID])


def _page(filters: Filters, cursor: object) -> Json:
    """Read a page; while ground truth is being filled in, keep it as it is: new predictions would shift its rows."""
    place = (filters.choice, cursor)
    held_place, held = st.session_state.get(HELD, (None, {}))
    if held_place == place and st.session_state.get(_editor(held), {}).get("edited_rows"):
        return dict(held)
    with st.spinner("Reading …"):
        answer = _read(filters, PAGE, cursor)
    st.session_state[HELD] = (place, answer)
    return answer


def _read(filters: Filters, limit: int, cursor: object) -> Json:
    answer: Json = {}
    for query in filters.queries():
        answer = context.api().past_predictions(query, limit, cursor)
        if answer["predictions"]:
            break
    return answer


def _editor(answer: Json) -> str:
    found = answer["predictions"]
    return f"page_{found[0][PREDICTION_ID]}" if found else ""


def _show_table(answer: Json, definition: Json, names: Sequence[str] | None) -> None:
    found = answer["predictions"]
    frame = _frame(found, definition, names)
    frame = answer_columns.for_eyes(frame)
    edited = st.data_editor(
        frame,
        hide_index=True,
        placeholder="–",
        disabled=[name for name in frame.columns if name != ACTUAL],
        column_config=_columns(definition),
        key=_editor(answer),
        alt=f"Past predictions, newest first; the column “{ACTUAL}” takes what really happened",
    )
    labels = {label_of(definition, class_): class_ for class_ in definition["target"]["classes"]}
    changed = [
        {PREDICTION_ID: each[PREDICTION_ID], "actual": labels.get(actual, actual)}
        for each, actual, before in zip(found, edited[ACTUAL], frame[ACTUAL], strict=True)
        if not pd.isna(actual) and actual != before  # a cell left empty may be NaN
    ]
    comes = "error and coverage come" if numbers.is_regression(definition) else "accuracy comes"
    st.caption(f"Do you know what really happened? Fill in the column “{ACTUAL}”: the models' live {comes} from it.")
    if changed and st.button(f"Save {counted(len(changed), 'outcome')}", type="primary", icon=":material/save:"):
        context.api().save_outcomes(definition["name"], changed)
        del st.session_state[HELD], st.session_state[_editor(answer)]
        st.toast(f"Saved {counted(len(changed), 'outcome')}.", icon=":material/check:")
        st.rerun()


def _frame(found: Sequence[Json], definition: Json, names: Sequence[str] | None = None) -> pd.DataFrame:
    known = _outcomes([each[PREDICTION_ID] for each in found])
    return pd.DataFrame(
        {
            "time": pd.to_datetime([each["created_at"] for each in found], utc=True),
            **answer_columns.cells(definition, found),
            ACTUAL: [_known(definition, known.get(each[PREDICTION_ID])) for each in found],
            definition["id_column"]: [each["entity_id"] for each in found],
            **tables.features(definition, [each["features"] for each in found], names),
            "source": [each["source"] for each in found],
            "model version": [each["model_version"] for each in found],
            "answered as": [each["role"] for each in found],
            PREDICTION_ID: [each[PREDICTION_ID] for each in found],
        }
    )


def _outcomes(ids: list[str]) -> dict[str, str]:
    """Return the known outcomes; none while the database is away, which stops nobody from reading the rest."""
    try:
        return queries.actuals(context.database(), ids)
    except UiError as error:
        notices.remember(error)
        return {}


def _columns(definition: Json) -> dict[str, Any]:
    return {
        "time": times.column("time"),
        **answer_columns.config(definition),
        ACTUAL: _actual(definition),
        PREDICTION_ID: st.column_config.TextColumn(PREDICTION_ID, width=300),
    }


def _actual(definition: Json) -> Any:  # noqa: ANN401  Streamlit's types are private
    title, target = f"{ACTUAL} ✎", definition["target"]
    if numbers.is_regression(definition):
        return st.column_config.NumberColumn(
            title, min_value=target["minimum"], max_value=target["maximum"], format="localized", width=150
        )
    return st.column_config.SelectboxColumn(title, options=context.labels(definition), width=150)


def _offer_download(filters: Filters, definition: Json) -> None:
    most = min(DOWNLOAD, DOWNLOADED_CELLS // len(definition["features"]))
    if st.button(f"Prepare a download (up to {most:,})", icon=":material/download:"):
        with st.spinner("Reading …"):
            found = _everything(filters, most)
        frame = _frame(found, definition)
        frame["time"] = [each["created_at"] for each in found]
        tables.offer_table(f"Download {counted(len(found), 'prediction')}", frame, f"{filters.use_case}-predictions")


def _everything(filters: Filters, most: int) -> list[Json]:
    found: list[Json] = []
    cursor: object = None
    while len(found) < most:
        answer = _read(filters, min(1_000, most - len(found)), cursor)
        found += answer["predictions"]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    return found


def _known(definition: Json, actual: str | None) -> str | float | None:
    if actual is None:
        return None
    return float(actual) if numbers.is_regression(definition) else label_of(definition, actual)
