"""The columns of tables that say what was predicted: a class and how probable it is, or a number and its interval."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ui import answers, numbers
from ui.components import tables
from ui.context import Json

PROBABILITY = "probability of prediction"
LOW, HIGH = "low", "high"


def cells(definition: Json, entries: Sequence[Json]) -> dict[str, list[Any]]:
    """Return the cells of these columns, by column; an entry that was refused has none."""
    if numbers.is_regression(definition):
        intervals = [entry.get("interval") or (None, None) for entry in entries]
        ends = {LOW: [low for low, _ in intervals], HIGH: [high for _, high in intervals]}
        return {"prediction": [entry.get("prediction") for entry in entries], **ends}
    probabilities = [answers.probability_of(entry) if "label" in entry else None for entry in entries]
    return {"prediction": [entry.get("label") for entry in entries], PROBABILITY: probabilities}


def for_eyes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table as the page shows it: with probabilities as bars."""
    if PROBABILITY in frame:
        frame[PROBABILITY] = tables.percents(frame[PROBABILITY])
    return frame


def config(definition: Json) -> dict[str, Any]:
    """Describe these columns."""
    if not numbers.is_regression(definition):
        text = st.column_config.TextColumn("prediction", width=110)
        return {"prediction": text, PROBABILITY: tables.probability(PROBABILITY)}
    unit = definition["target"]["unit"]
    title = f"prediction ({unit})" if unit else "prediction"
    return {
        "prediction": st.column_config.NumberColumn(title, format="localized", width=110),
        LOW: st.column_config.NumberColumn("interval from", format="localized", width=110),
        HIGH: st.column_config.NumberColumn("to", format="localized", width=110),
    }
