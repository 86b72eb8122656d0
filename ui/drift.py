"""What the last window of the monitor says: every column's state, the furthest from the reference first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

LAST_WINDOW = """
SELECT feature, state, effect, n, method, p_value, bins, window_start, window_end, model_version
FROM drift_metrics
WHERE use_case = :use_case AND (window_end, model_version) = (
  SELECT window_end, model_version FROM drift_metrics
  WHERE use_case = :use_case AND window_end BETWEEN :start AND :end
  ORDER BY window_end DESC, model_version DESC LIMIT 1)
"""
WORDS = {"ok": "stable"}
ORDER = ("severe", "alarm", "warning", "stable", "insufficient")
DRIFTED = ORDER[:3]
NAMES = {"@probability": "probability", "@prediction": "predictions"}
NAMED = 3


@dataclass(frozen=True)
class Bin:
    """The shares of one bin of a column, from 0 to 1, in the reference and in the window."""

    name: str
    reference: float
    now: float


@dataclass(frozen=True)
class ColumnDrift:
    """One column of a window: its state in words, how far it moved, and its bins."""

    feature: str
    state: str
    effect: float
    rows: int
    method: str
    p_value: float | None
    bins: Sequence[Bin]

    @property
    def name(self) -> str:
        """The name people read."""
        return NAMES.get(self.feature, self.feature)

    @property
    def highest(self) -> float:
        """The highest share of any bin, for the scale of a picture."""
        return max((share for each in self.bins for share in (each.reference, each.now)), default=0) or 1


@dataclass(frozen=True)
class Window:
    """The last window in a time, its columns from the one that drifted most to the one that drifted least."""

    start: datetime
    end: datetime
    version: str
    columns: Sequence[ColumnDrift]

    @property
    def rows(self) -> int:
        """How many predictions the window holds."""
        return max(column.rows for column in self.columns)

    @property
    def drifted(self) -> list[ColumnDrift]:
        """The columns that drift."""
        return [column for column in self.columns if column.state in DRIFTED]

    @property
    def state(self) -> str:
        """The state of the worst column."""
        return self.columns[0].state


def window(found: pd.DataFrame, labels: Mapping[str, str]) -> Window | None:
    """Return the window whose rows `LAST_WINDOW` found, None without rows; `labels` names the classes."""
    if found.empty:
        return None
    columns = [_column(row, labels) for row in found.to_dict("records")]
    first = found.iloc[0]
    ordered = sorted(columns, key=lambda column: (ORDER.index(column.state), -column.effect, column.name))
    return Window(first["window_start"], first["window_end"], str(first["model_version"]), ordered)


def sentence(found: Window) -> str:
    """Say in a sentence what the window says."""
    total, drifted = len(found.columns), found.drifted
    if found.state == "insufficient":
        return f"No verdict: the last window holds {found.rows:,} predictions, which is too few."
    if not drifted:
        return f"Stable: none of the {total:,} columns drifts."
    verb = "drifts" if len(drifted) == 1 else "drift"
    named = ", ".join(f"{column.name} {column.state}" for column in drifted[:NAMED])
    more = f" and {len(drifted) - NAMED} more" if len(drifted) > NAMED else ""
    return f"{len(drifted):,} of {total:,} columns {verb}: {named}{more}."


def _column(row: Mapping[Any, Any], labels: Mapping[str, str]) -> ColumnDrift:
    bins = list(row["bins"])
    before, after = (max(1, sum(int(each[part]) for each in bins)) for part in ("reference", "rows"))
    names = labels if row["feature"] == "@prediction" else {}
    return ColumnDrift(
        feature=str(row["feature"]),
        state=WORDS.get(row["state"], row["state"]),
        effect=0.0 if pd.isna(row["effect"]) else float(row["effect"]),
        rows=int(row["n"]),
        method=str(row["method"]),
        p_value=None if pd.isna(row["p_value"]) else float(row["p_value"]),
        bins=[
            Bin(names.get(each["bin"], each["bin"]), int(each["reference"]) / before, int(each["rows"]) / after)
            for each in bins
            if each["reference"] or each["rows"] or each["bin"] not in ("missing", "other")
        ],
    )
