"""Expand the macros and variables that the panels' queries use as Grafana does; refuse any other."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

MOST_POINTS = 11_000
PANEL_POINTS = 400  # about how many points a panel is wide
INTERVALS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)


def expand(sql: str, start: datetime, end: datetime, variables: Mapping[str, str]) -> str:
    """Return plain SQL for a time range."""
    interval = interval_seconds(start, end)
    for name, value in variables.items():
        quoted = value.replace("'", "''")
        sql = sql.replace(f"${{{name}:sqlstring}}", f"'{quoted}'").replace(f"${name}", quoted)
    sql = re.sub(r"\$__timeFilter\(([^()]*)\)", rf"\1 BETWEEN '{_text(start)}' AND '{_text(end)}'", sql)
    sql = sql.replace("$__timeTo()", f"'{_text(end)}'")
    grouped = rf"floor(extract(epoch from \1)/{interval})*{interval}"
    sql = re.sub(r"\$__timeGroup\(([^(),]*),\s*\$__interval\)", grouped, sql)
    sql = sql.replace("$__interval", f"{interval}s")
    if left := re.search(r"\$(__)?\w+", sql):
        raise ValueError(f"unknown macro or variable {left[0]!r}")
    return sql


def interval_seconds(start: datetime, end: datetime) -> int:
    """Return the length of a time bucket, as round as Grafana chooses it."""
    wanted = (end - start) / timedelta(seconds=PANEL_POINTS)
    return next((each for each in INTERVALS if each >= wanted), INTERVALS[-1])


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
