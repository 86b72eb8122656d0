"""What queries of panels return, in the form panels are drawn from."""

from datetime import datetime

import pandas as pd


def as_series(frame: pd.DataFrame, shape: str) -> pd.DataFrame:
    """Turn one column per series into one row per value, as Grafana does the other way round."""
    if shape != "time_series":
        return frame
    times = frame["time"]
    as_seconds = pd.api.types.is_numeric_dtype(times) or times.map(lambda each: not isinstance(each, datetime)).all()
    numbers = pd.to_numeric(times) if as_seconds else times
    frame = frame.assign(time=pd.to_datetime(numbers, unit="s" if as_seconds else None, utc=True))
    if "metric" not in frame:
        frame = frame.melt("time", var_name="metric", value_name="value")
    return frame.assign(value=pd.to_numeric(frame["value"], errors="coerce")).dropna(subset="value")


def duration(seconds: float) -> str:
    """Write a time span in its largest unit."""
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


def cell(value: object) -> str:
    """Write a cell of a table."""
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M}"
    return "" if value is None or value != value else str(value)
