"""Predicted numbers as people read them: with unit and interval."""

from collections.abc import Mapping
from typing import Any

DIGITS = 4
Json = Mapping[str, Any]


def is_regression(definition: Json) -> bool:
    """Tell whether a use case predicts a number."""
    return str(definition["task"]) == "regression"


def rounded(value: float) -> str:
    """Write a number with at least four significant digits, in full before the point."""
    if abs(value) >= 10 ** (DIGITS - 1):
        return f"{value:,.0f}"
    return f"{value:,.{DIGITS}g}"


def with_unit(definition: Json, value: float) -> str:
    """Write a predicted number, or one beside it, with the target's unit."""
    unit = definition["target"]["unit"]
    return f"{rounded(value)} {unit}".rstrip()


def interval(definition: Json, entry: Json) -> str:
    """Write the interval of an answer; an empty text where it has none."""
    if not entry["interval"]:
        return ""
    low, high = entry["interval"]
    return f"{rounded(low)} to {with_unit(definition, high)}"
