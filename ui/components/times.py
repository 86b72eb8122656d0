"""Times: stored in UTC, shown in UTC or in the visitor's own zone, always with the zone's name."""

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from ui import address

CHOICE = "times"
LOCAL = "local"


def zone() -> tzinfo:
    """Return the zone the visitor chose."""
    return _local() if st.session_state.get(CHOICE) == LOCAL else UTC


def zone_name() -> str:
    """Return the name of the chosen zone."""
    return getattr(zone(), "key", None) or "UTC"


def choose() -> None:
    """Let the visitor choose between UTC and the browser's zone."""
    texts = {"utc": "UTC", LOCAL: f"Local ({_local_name()})"}
    address.choose("Times in", texts, CHOICE, st.segmented_control, required=True)


def written(time: Any) -> str:  # noqa: ANN401  a time, a text or nothing
    """Write a time with its zone; an en dash when there is none."""
    if time is None or pd.isna(time):
        return "–"
    moment = pd.Timestamp(time)
    moment = moment.tz_localize(UTC) if moment.tzinfo is None else moment
    return f"{moment.tz_convert(zone()):%Y-%m-%d %H:%M:%S} {zone_name()}"


def brief(time: datetime) -> str:
    """Write a time to the minute with its zone, and with its day unless that is today."""
    moment, today = time.astimezone(zone()), datetime.now(zone()).date()
    return f"{moment:%H:%M} {zone_name()}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M} {zone_name()}"


def ago(time: Any, now: datetime | None = None) -> str:  # noqa: ANN401
    """Write how long ago a time was."""
    if time is None or pd.isna(time):
        return "never"
    seconds = max(0, ((now or datetime.now(UTC)) - pd.Timestamp(time).to_pydatetime()).total_seconds())
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit} ago"
    return f"{seconds / 86_400:.0f} days ago"


def in_zone(times: "pd.Series[Any]") -> "pd.Series[Any]":
    """Convert a column of times to the chosen zone."""
    return pd.to_datetime(times, utc=True).dt.tz_convert(zone())


def column(label: str, width: int | None = None) -> Any:  # noqa: ANN401  Streamlit's column types are private
    """Describe a table's column of times; its heading names the zone."""
    return st.column_config.DatetimeColumn(
        f"{label} ({zone_name()})", format="YYYY-MM-DD HH:mm:ss", timezone=zone_name(), width=width
    )


def _local() -> tzinfo:
    try:
        return ZoneInfo(_local_name())
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _local_name() -> str:
    return str(st.context.timezone or "UTC")
