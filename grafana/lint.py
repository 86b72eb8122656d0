"""Rules every dashboard obeys, checked on what Grafana would read."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.panels import WIDTH

SQL_KEYS = {"datasource", "editorMode", "format", "rawQuery", "rawSql", "refId"}
PROMQL_KEYS = {"datasource", "expr", "legendFormat", "range", "refId"}
WRITING = re.compile(r"\b(insert|update|delete|drop|alter|create|grant|truncate|copy|call)\b|;", re.IGNORECASE)
DEFAULT_STEPS: tuple[list[tuple[str, float | None]], ...] = ([("green", None), ("red", 80)], [])


class Query(NamedTuple):
    """One query of one panel."""

    panel: str
    sql: str
    shape: str


def problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for every rule a dashboard breaks."""
    name = document.get("title", "a dashboard")
    panels = document["panels"]
    yield from _lost_in_translation(document)
    for number, times in Counter(panel.get("id") for panel in panels).items():
        if times > 1 or not number:
            yield f"{name}: {times} panels have the id {number}"
    for one, other in combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{name}: {one['title']!r} and {other['title']!r} overlap"
    for panel in panels:
        yield from (f"{name}, {panel.get('title')!r}: {problem}" for problem in _panel_problems(panel))


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


def _lost_in_translation(document: Mapping[str, Any]) -> Iterator[str]:
    """Read a dashboard into the SDK's classes and write it again: what they do not know is a typo."""
    register_default_plugins()  # the classes of each panel kind's own options
    known = {name: value for name, value in document.items() if name != "annotations"}
    again = json.loads(json.dumps(Dashboard.from_json(known), cls=JSONEncoder))
    again.pop("annotations", None)
    for path in _differences(known, again):
        yield f"{document.get('title')}: Grafana knows no {path}"


def _differences(one: object, other: object, path: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            yield from _differences(one.get(name), other.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{path}[{number}]")
    elif one != other and one is not None:  # what the classes add by themselves is no typo
        yield path


def _panel_problems(panel: Mapping[str, Any]) -> Iterator[str]:
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    if not panel.get("title") or not panel.get("description"):
        yield "has no title or no description"
    if not defaults.get("unit"):
        yield "has no unit"
    steps = [(step["color"], step["value"]) for step in defaults.get("thresholds", {}).get("steps", [])]
    if steps in DEFAULT_STEPS:
        yield "has no thresholds of its own"
    if [value for _, value in steps[1:]] != sorted(value for _, value in steps[1:]):
        yield "has thresholds out of order"
    place = panel["gridPos"]
    if place["x"] + place["w"] > WIDTH:
        yield "is wider than the dashboard"
    if not panel.get("targets"):
        yield "has no query"
    for target in panel.get("targets", []):
        yield from _target_problems(target)
    if not panel.get("datasource", {}).get("uid", "").startswith("${"):
        yield "names a data source instead of a variable"


def _target_problems(target: Mapping[str, Any]) -> Iterator[str]:
    expected = PROMQL_KEYS if "expr" in target else SQL_KEYS
    if set(target) != expected:
        yield f"has a query with {', '.join(sorted(set(target) ^ expected))}"
    if not target.get("datasource", {}).get("uid", "").startswith("${"):
        yield "has a query that names a data source instead of a variable"
    sql = target.get("rawSql")
    if sql is None:
        return
    if "$__timeFilter(" not in sql:
        yield "has a query without $__timeFilter"
    if not re.match(r"\s*(select|with)\b", sql, re.IGNORECASE) or WRITING.search(sql):
        yield "has a query that does more than read"
    if re.search(r"\$__\w+\([^()]*\([^()]*", sql):
        yield "has brackets inside a macro"


def _overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
