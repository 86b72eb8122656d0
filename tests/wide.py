"""Use cases of hundreds of columns, made up; `tests/synthetic.py` makes their rows."""

from typing import Any

from tabserve.core.use_case import UseCase

GROUPS = ("account", "device", "history", "market", "order")
KINDS = ("number", "integer", "number", "category", "number")


def use_case(columns: int) -> UseCase:
    """Define `columns` features of every type, a third of which may be missing, named by group and number."""
    return UseCase.model_validate(definition(columns))


def definition(columns: int) -> dict[str, Any]:
    """Return the definition as a YAML file holds it."""
    return {
        "name": f"wide{columns}",
        "version": 1,
        "title": f"{columns} columns",
        "description": "Will this customer stay?",
        "task": "binary_classification",
        "id_column": "CustomerId",
        "features": [_feature(place) for place in range(columns)],
        "target": {"name": "stays", "classes": [0, 1], "labels": ["leaves", "stays"], "positive_class": 1},
    }


def _feature(place: int) -> dict[str, Any]:
    kind = KINDS[place % len(KINDS)]
    feature: dict[str, Any] = {"name": f"{GROUPS[place % 7 % len(GROUPS)]}_{place:04d}", "type": kind}
    if kind == "category":
        feature["categories"] = ["none", "some", "many"]
    else:
        feature |= {"minimum": 0, "maximum": 1_000}
    if place % 3 == 0:
        feature |= {"required": False, "impute": "most_frequent" if kind == "category" else "median"}
    return feature
