"""Rules for the dashboards that the builder of the panels cannot enforce."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple


class Query(NamedTuple):
    """One query of one panel."""

    panel: str
    sql: str
    shape: str


def problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for every rule a dashboard breaks."""
    name, panels = document["title"], document["panels"]
    for one, other in combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{name}: {one['title']!r} and {other['title']!r} overlap"
    for panel in panels:
        yield from (f"{name}, {panel['title']!r}: {problem}" for problem in _panel_problems(panel))


def queries(document: Mapping[str, Any]) -> list[Query]:
    """Return all SQL of a dashboard: panels, variables and annotations."""
    found = [
        Query(panel["title"], target["rawSql"], target["format"])
        for panel in document["panels"]
        for target in panel["targets"]
        if "rawSql" in target
    ]
    variables = document.get("templating", {}).get("list", [])
    found += [Query(v["name"], v["query"], "variable") for v in variables if v["type"] == "query"]
    annotations = document.get("annotations", {}).get("list", [])
    return found + [Query(each["name"], each["target"]["rawSql"], "table") for each in annotations]


def _panel_problems(panel: Mapping[str, Any]) -> Iterator[str]:
    defaults = panel["fieldConfig"]["defaults"]
    if not panel.get("title") or not panel.get("description"):
        yield "has no title or no description"
    if not defaults.get("unit"):
        yield "has no unit"
    bounds = [step["value"] for step in defaults["thresholds"]["steps"][1:]]
    if bounds != sorted(bounds):
        yield "has thresholds out of order"
    if any("$__timeFilter(" not in target["rawSql"] for target in panel["targets"] if "rawSql" in target):
        yield "has a query without $__timeFilter"


def _overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
