"""Use cases of many features: which of them matter most, what is typical of them, and in which groups they stand."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MANY = 20  # features; above, pages show only some at once
GROUP = 50
MOST_PREFIXES = 20
PREFIX = re.compile(r"[^_ .()/-]+")
Json = Mapping[str, Any]


def is_wide(definition: Json) -> bool:
    """Tell whether a use case has more features than people look at together."""
    return len(definition["features"]) > MANY


def most_important(definition: Json, model: Json, count: int) -> list[str]:
    """Return the names of the features that matter most to the champion, the first ones where that is not known."""
    diagnostics = (model.get("champion") or {}).get("diagnostics") or {}
    importance = diagnostics.get("importance", {})
    names = [feature["name"] for feature in definition["features"]]
    order = sorted(names, key=lambda name: -importance.get(name, {"value": float("-inf")})["value"])
    return order[:count]


def typical(definition: Json, model: Json) -> dict[str, Any]:
    """Return a value of every feature to begin with.

    It is the example's, or else a typical one of the rows the champion was tested on, or else none.
    """
    known = {**model.get("typical", {}), **definition["example"]}
    return {feature["name"]: known.get(feature["name"]) for feature in definition["features"]}


def groups(features: Sequence[Json]) -> dict[str, list[Json]]:
    """Return features in groups of at most fifty, by their title.

    Names that begin alike stand together; where they begin in too many ways, the order of the definition counts.
    """
    by_prefix: dict[str, list[Json]] = {}
    for feature in features:
        by_prefix.setdefault(_prefix(feature), []).append(feature)
    if len(by_prefix) > MOST_PREFIXES:
        by_prefix = {"": list(features)}
    found = {}
    for prefix, members in by_prefix.items():
        for start in range(0, len(members), GROUP):
            part = members[start : start + GROUP]
            whole = prefix and len(members) <= GROUP
            found[prefix if whole else f"{part[0]['name']} to {part[-1]['name']}"] = part
    return found


def matching(features: Sequence[Json], sought: str) -> list[Json]:
    """Return the features with a text in their name or description, those that begin with it first."""
    text = sought.casefold()
    found = [each for each in features if text in f"{each['name']} {each['description']}".casefold()]
    return sorted(found, key=lambda each: not each["name"].casefold().startswith(text))


def _prefix(feature: Json) -> str:
    match = PREFIX.match(feature["name"])
    return match.group() if match else ""
