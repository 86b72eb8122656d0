"""Tables, and their cells made safe for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CRITICALITY = {"none": "🟢 none", "low": "🔵 low", "medium": "🟠 medium", "high": "🔴 high"}


def criticality(level: str) -> str:
    """Write a criticality with a mark that can be told apart without its colour's name."""
    return CRITICALITY.get(level, level)


def show_small(frame: pd.DataFrame, alt: str, empty: str) -> None:
    """Show a handful of rows as a plain table."""
    if frame.empty:
        st.caption(empty)
    else:
        st.dataframe(frame, hide_index=True, alt=alt)


def safe_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Write a CSV whose cells no spreadsheet takes for formulas."""
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    writer.writerow([_safe(name) for name in columns])
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return output.getvalue().encode("utf-8-sig")


def cells(frame: pd.DataFrame) -> list[list[Any]]:
    """Return a table's cells, None where there is none."""
    rows: list[list[Any]] = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return rows


def _safe(cell: Any) -> Any:  # noqa: ANN401
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return "" if cell is None else cell
