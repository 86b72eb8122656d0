"""Colours by meaning, the same in Grafana and on the page.

Each has a contrast of at least 4.5 : 1 on white, and neighbouring levels stay apart for people who cannot tell red from
green: a test holds both.
"""

from collections.abc import Iterable, Mapping
from typing import Final

GOOD, NOTICE, WARNING, BAD, WORST, UNKNOWN = "#0f766e", "#1d4ed8", "#b45309", "#9f1239", "#4a044e", "#64748b"
MEANING: Final[Mapping[str, str]] = {
    **dict.fromkeys(("good", "none", "ok", "stable", "resolved", "completed"), GOOD),
    **dict.fromkeys(("low", "info"), NOTICE),
    **dict.fromkeys(("medium", "warning", "skipped"), WARNING),
    **dict.fromkeys(("bad", "high", "alarm", "critical", "firing", "failed"), BAD),
    "severe": WORST,
    **dict.fromkeys(("insufficient", "others"), UNKNOWN),
}
SERIES: Final = ("#4338ca", "#0e7490", "#a21caf", "#4d7c0f", "#78350f", "#db2777", "#111827")
"""What means neither good nor bad: classes, columns, versions, and the sources of predictions, which are known."""
SOURCES: Final[Mapping[str, str]] = dict(zip(("api", "webapp", "queue", "scheduled"), SERIES, strict=False))
REFERENCE, NOW = UNKNOWN, SERIES[0]


def of(names: Iterable[str]) -> dict[str, str]:
    """Return the colour of each name: that of its meaning, or the next one of those that mean nothing."""
    known = {**SOURCES, **MEANING}
    listed = list(names)
    others = [name for name in listed if name not in known]
    return {name: known.get(name) or SERIES[others.index(name) % len(SERIES)] for name in listed}
