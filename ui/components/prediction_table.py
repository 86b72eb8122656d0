"""A page of stored predictions, their ground truth and their download."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from ui import context, queries
from ui.components import notices, tables, times
from ui.components.paging import Cursors
from ui.context import Json, label_of

PAGE = 50
DOWNLOAD = 5_000
ACTUAL = "what happened"
HELD = "history_held"


@dataclass(frozen=True)
class Filters:
    """What to look for; `end` is not included."""

    use_case: str
    span: str
    start: datetime
    end: datetime
    chosen: Mapping[str, str | None]  # source, model version and predicted class; None is any

    def query(self) -> dict[str, Any]:
        """Return these filters as the API takes them."""
        bounds = {"from": self.start.isoformat(), "to": self.end.isoformat()}
        return {"use_case": self.use_case, **bounds, **self.chosen}

    @property
    def choice(self) -> tuple[str | None, ...]:
        """What the visitor chose; unlike the bounds of “last hour” it stays the same while paging."""
        bounds = () if self.span.startswith("Last") else (self.start.isoformat(), self.end.isoformat())
        return (self.use_case, self.span, *bounds, *self.chosen.values())


def show(filters: Filters, definition: Json) -> None:
    """Draw one page of predictions with its buttons."""
    cursors = Cursors("history", filters.choice)
    answer = _page(filters, cursors.current)
    found = answer["predictions"]
    if not found:
        notices.show_empty(
            "No prediction matches.", "Choose a longer time or other filters, or make one under *Predict*."
        )
        return
    _show_table(answer, definition)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        cursors.show(answer["next_cursor"])
        _offer_download(filters, definition)


def _page(filters: Filters, cursor: object) -> Json:
    """Read a page; while ground truth is being filled in, keep it as it is: new predictions would shift its rows."""
    place = (filters.choice, cursor)
    held_place, held = st.session_state.get(HELD, (None, {}))
    if held_place == place and st.session_state.get(_editor(held), {}).get("edited_rows"):
        return dict(held)
    with st.spinner("Reading …"):
        answer = context.api().past_predictions(filters.query(), PAGE, cursor)
    st.session_state[HELD] = (place, answer)
    return answer


def _editor(answer: Json) -> str:
    found = answer["predictions"]
    return f"page_{found[0]['prediction_id']}" if found else ""


def _show_table(answer: Json, definition: Json) -> None:
    found = answer["predictions"]
    frame = _frame(found, definition)
    edited = st.data_editor(
        frame,
        hide_index=True,
        placeholder="–",
        disabled=[name for name in frame.columns if name != ACTUAL],
        column_config=_columns(definition),
        key=_editor(answer),
        alt="Past predictions, newest first; the second column takes what really happened",
    )
    labels = {label_of(definition, class_): class_ for class_ in definition["target"]["classes"]}
    changed = {
        each["prediction_id"]: labels[actual]
        for each, actual, before in zip(found, edited[ACTUAL], frame[ACTUAL], strict=True)
        if isinstance(actual, str) and actual != before  # a cell left empty may be NaN
    }
    st.caption(
        f"Do you know what really happened? Fill in the column “{ACTUAL}”: the models' live accuracy comes from it."
    )
    if changed and st.button(f"Save {len(changed)} outcome(s)", type="primary", icon=":material/save:"):
        context.api().save_ground_truth(definition["name"], changed)
        del st.session_state[HELD], st.session_state[_editor(answer)]
        st.toast(f"Saved {len(changed)} outcome(s).", icon=":material/check:")
        st.rerun()


def _frame(found: Sequence[Json], definition: Json) -> pd.DataFrame:
    known = queries.actuals(context.database(), [each["prediction_id"] for each in found])
    names = [feature["name"] for feature in definition["features"]]
    return pd.DataFrame(
        {
            "time": pd.to_datetime([each["created_at"] for each in found], utc=True),
            ACTUAL: [_known(definition, known.get(each["prediction_id"])) for each in found],
            "prediction": [each["label"] for each in found],
            "probability": [each["probability"] for each in found],
            **{name: [tables.text(each["features"].get(name)) for each in found] for name in names},
            "source": [each["source"] for each in found],
            definition["id_column"]: [each["entity_id"] for each in found],
            "model version": [each["model_version"] for each in found],
        }
    )


def _columns(definition: Json) -> dict[str, Any]:
    return {
        "time": times.column("time"),
        "probability": tables.probability(),
        ACTUAL: st.column_config.SelectboxColumn(f"{ACTUAL} ✎", options=context.labels(definition), width=130),
    }


def _offer_download(filters: Filters, definition: Json) -> None:
    if st.button(f"Prepare a download (up to {DOWNLOAD:,})", icon=":material/download:"):
        with st.spinner("Reading …"):
            found = _everything(filters)
        frame = _frame(found, definition)
        frame["time"] = [each["created_at"] for each in found]
        tables.offer_table(f"Download {len(found):,} predictions", frame, f"{filters.use_case}-predictions")


def _everything(filters: Filters) -> list[Json]:
    found: list[Json] = []
    cursor: object = None
    while len(found) < DOWNLOAD:
        answer = context.api().past_predictions(filters.query(), 1_000, cursor)
        found += answer["predictions"]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    return found


def _known(definition: Json, actual: str | None) -> str | None:
    return None if actual is None else label_of(definition, actual)
