"""Tables, and their cells made safe for spreadsheets."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from grafana import colors
from ui.features import is_number

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")  # not a formula, although it may begin with a sign
CRITICALITY = colors.of(("none", "low", "medium", "high"))
SEVERITY = CRITICALITY | colors.of(("info", "warning", "critical"))
STATE = colors.of(("firing", "resolved"))


def chips(colors: Mapping[str, Any], width: int | None = None) -> Any:  # noqa: ANN401  Streamlit's types are private
    """Describe a column of words, each in its colour; its cells are made by `chip`."""
    return st.column_config.MultiselectColumn(options=list(colors), color=list(colors.values()), width=width)


def chip(words: Iterable[object]) -> list[list[str]]:
    """Return cells for a column of `chips`."""
    return [[str(word)] for word in words]


def show(frame: pd.DataFrame, alt: str, columns: Mapping[str, Any] | None = None, empty: str = "") -> None:
    """Show a table, or what `empty` says where it has no rows; a cell without a value has a dash."""
    if frame.empty and empty:
        st.caption(empty)
        return
    st.dataframe(frame, hide_index=True, column_config=columns, placeholder="–", alt=alt)


def safe_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Write a CSV whose cells no spreadsheet takes for formulas."""
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    writer.writerow([_safe(name) for name in columns])
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return output.getvalue().encode("utf-8-sig")


def offer_table(label: str, frame: pd.DataFrame, name: str) -> None:
    """Draw a button that downloads a table; a cell without a value is empty."""
    offer_csv(label, table_csv(frame), name, primary=True)


def table_csv(frame: pd.DataFrame) -> bytes:
    """Write a table as a CSV; a cell without a value is empty."""
    cells: list[list[Any]] = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return safe_csv(list(frame.columns), cells)


def offer_csv(label: str, content: bytes | Callable[[], bytes], name: str, *, primary: bool = False) -> None:
    """Draw a button that downloads a CSV; a function makes it when it is asked for."""
    st.download_button(
        label,
        content,
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        type="primary" if primary else "secondary",
    )


def text(value: object) -> str | None:
    """Write a value for a column of texts; nothing stays nothing."""
    return None if value is None else str(value)


def counts(label: str | None = None, width: int = 105) -> Any:  # noqa: ANN401
    """Describe a column of whole numbers, such as 1,000,000."""
    return st.column_config.NumberColumn(label, format="%,d", width=width)


def share(part: float, whole: float) -> str:
    """Write a part of a whole, such as 24.7 %; only none and all are written as such."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.05 or 99.95 <= percent < 100:
        return "under 0.1 %" if percent < 1 else "over 99.9 %"
    return f"{percent:.1f} %" if percent % 1 else f"{percent:.0f} %"


def probability(label: str) -> Any:  # noqa: ANN401
    """Describe a column of probabilities, its cells made by `percents`."""
    return st.column_config.ProgressColumn(label, min_value=0, max_value=100, format="%.1f %%", width="medium")


def percents(shares: Iterable[float | None]) -> list[float | None]:
    """Return cells for a column of probabilities; only 0 and 1 are written as certain."""
    return [None if share is None else _percent(share) for share in shares]


def _percent(share: float) -> float:
    return share * 100 if share in (0, 1) else min(max(share * 100, 0.1), 99.9)


def features(
    definition: Mapping[str, Any], records: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None
) -> dict[str, list[Any]]:
    """Return the cells of each feature, or of those named: numbers as such, the rest as texts."""
    by_name = {each["name"]: each for each in (*definition["features"], *definition["derived"])}
    return {
        name: [
            value if is_number(by_name[name]) else _in_words(value)
            for value in (record.get(name) for record in records)
        ]
        for name in (by_name if names is None else names)
    }


def _in_words(value: object) -> str | None:
    return ("yes" if value else "no") if isinstance(value, bool) else text(value)


def unguarded(cell: str) -> str:
    """Return a cell as it was before `safe_csv` guarded it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _safe(cell: Any) -> Any:  # noqa: ANN401
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(cell):
        return f"'{cell}"
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return "" if cell is None else cell
