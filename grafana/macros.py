"""Expand a panel's query as Grafana does: time macros and dashboard variables."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

MOST_POINTS = 11_000
INTERVALS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)


def expand(sql: str, start: datetime, end: datetime, variables: Mapping[str, str], points: int = 400) -> str:
    """Return plain SQL for a time range; `points` is about how many points a panel is wide."""
    interval = interval_seconds(start, end, points)
    for name, value in variables.items():
        quoted = value.replace("'", "''")
        sql = sql.replace(f"${{{name}:sqlstring}}", f"'{quoted}'").replace(f"${name}", quoted)
    sql = re.sub(r"\$__timeFilter\(([^()]*)\)", rf"\1 BETWEEN '{_text(start)}' AND '{_text(end)}'", sql)
    sql = sql.replace("$__timeFrom()", f"'{_text(start)}'").replace("$__timeTo()", f"'{_text(end)}'")
    sql = re.sub(r"\$__timeGroup(Alias)?\(([^(),]*),\s*'?([^'()]*)'?\)", lambda found: _group(found, interval), sql)
    sql = sql.replace("$__interval", f"{interval}s")
    if left := re.search(r"\$(__)?\w+", sql):
        raise ValueError(f"unknown macro or variable {left[0]!r}")
    return sql


def interval_seconds(start: datetime, end: datetime, points: int) -> int:
    """Return the length of a time bucket, as round as Grafana chooses it."""
    wanted = (end - start) / timedelta(seconds=1) / points
    return next((each for each in INTERVALS if each >= wanted), INTERVALS[-1])


def _group(found: re.Match[str], interval: int) -> str:
    alias, column, length = found[1], found[2], found[3].strip()
    seconds = interval if length == "$__interval" else _seconds(length)
    grouped = f"floor(extract(epoch from {column})/{seconds})*{seconds}"
    return f'{grouped} AS "time"' if alias else grouped


def _seconds(length: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([smhd])", length).groups()  # type: ignore[union-attr]  # another unit is a mistake
    return int(number) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[unit]


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
