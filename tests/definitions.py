"""The definitions the tests know: their own, so that the project's may be changed, added to or taken away."""

from pathlib import Path

from tabserve.core.catalog import YamlCatalog
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase

FOLDER = Path(__file__).parent / "use_cases"
CATALOG = YamlCatalog(FOLDER)
PENGUINS = CATALOG.get("penguins")  # names no data: its rows are made up (`tests/synthetic.py`)
# A feature of every type, and something derived from each.
TRIPS = UseCase.model_validate(
    {
        "name": "trips",
        "version": 1,
        "title": "Trips",
        "task": "binary_classification",
        "id_column": "trip",
        "features": [
            {"name": "nights", "type": "integer", "minimum": 1, "maximum": 365},
            {
                "name": "price",
                "type": "number",
                "usual": [0, 5_000],
                "unit": "€",
                "required": False,
                "impute": "median",
            },
            {"name": "insured", "type": "boolean"},
            {"name": "guide", "type": "boolean", "required": False, "impute": "most_frequent"},
            {"name": "board", "type": "category", "categories": ["half", "full"]},
            {"name": "town", "type": "category", "categories": "open", "keep": 3, "required": False},
            {"name": "booked", "type": "date"},
            {"name": "leaves", "type": "datetime", "timezone": "Europe/Berlin"},
            {"name": "remark", "type": "text", "required": False, "max_length": 40},
        ],
        "derived": [
            {"name": "per_night", "ratio": ["price", "nights"]},
            {"name": "ahead", "days_between": ["booked", "leaves"]},
            {"name": "weekday", "part": {"of": "leaves", "unit": "weekday"}},
            {"name": "title", "extract": {"from": "remark", "pattern": "(Dr|Prof)\\."}, "keep": 2},
            {"name": "remarked", "present": "remark"},
            {"name": "stay", "bins": {"of": "nights", "edges": [3, 8]}},
        ],
        "target": {"name": "cancelled", "classes": ["no", "yes"], "positive_class": "yes"},
    }
)
TRIP: dict[str, Value] = {
    "nights": 4,
    "price": 900.0,
    "insured": True,
    "guide": None,
    "board": "half",
    "town": "Bonn",
    "booked": "2026-01-01",
    "leaves": "2026-01-03T13:00:00",
    "remark": "with Dr. Who",
}
DERIVED_OF_TRIP: dict[str, Value] = {
    "per_night": 225.0,
    "ahead": 2.5,
    "weekday": "Saturday",
    "title": "Dr",
    "remarked": True,
    "stay": "3 to 8",
}

RENTS = UseCase.model_validate(
    {
        "name": "rents",
        "version": 1,
        "title": "Rents",
        "task": "regression",
        "id_column": "flat",
        "features": [
            {"name": "area", "type": "number", "minimum": 5, "maximum": 1_000, "unit": "m²"},
            {"name": "district", "type": "category", "categories": ["north", "south"]},
            {"name": "lift", "type": "boolean"},
        ],
        "target": {"name": "rent", "unit": "€", "minimum": 0, "maximum": 10_000},
        "example": {"area": 60, "district": "north", "lift": True},
    }
)
RENT: dict[str, Value] = {"area": 60, "district": "north", "lift": True}
