"""Use cases of any width, and raw files of any length for them: numbers of a fixed random sequence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import yaml

LEVELS: Final = ("red", "green", "blue", "black", "white")
BAD_EVERY: Final = 50
PIECE: Final = 100_000
ID: Final = "RecordId"
TARGET: Final = "Churned"


def definition(name: str, columns: int, training_data: Path) -> str:
    """Return the definition of a use case of so many features: three numbers, a whole one and a category in turn."""
    features: list[dict[str, object]] = []
    for number in range(columns):
        feature: dict[str, object] = {"name": f"f{number:04d}"}
        if number % 5 == 4:
            feature |= {"type": "category", "categories": list(LEVELS)}
        elif number % 5 == 3:
            feature |= {"type": "integer", "minimum": 0, "maximum": 1_000}
        else:
            feature |= {"type": "number", "minimum": -100, "maximum": 100, "required": False, "impute": "median"}
        features.append(feature)
    return yaml.safe_dump(
        {
            "name": name,
            "version": 1,
            "title": f"{columns} columns",
            "description": "Rows of a fixed random sequence.",
            "task": "binary_classification",
            "id_column": ID,
            "missing_values": ["", "NA"],
            "features": features,
            "target": {"name": TARGET, "classes": [0, 1], "labels": ["stays", "leaves"], "positive_class": 1},
            "training": {
                "data": str(training_data),
                "estimator": "logistic_regression",
                "test_size": 0.2,
                "random_state": 42,
                "acceptance": {"roc_auc": 0.6},
            },
        },
        sort_keys=False,
    )


def write_training_data(path: Path, columns: int, rows: int) -> None:
    """Write rows whose class depends on the first numbers."""
    frame = next(frames(columns, rows))
    score = frame["f0000"].cast(pl.Float64).fill_null(0.0) + frame["f0001"].cast(pl.Float64).fill_null(0.0)
    noise = np.random.default_rng(7).normal(0, 30, len(frame))
    frame.with_columns(pl.Series(TARGET, (score.to_numpy() + noise > 0).astype(int))).write_csv(path)


def write_raw_file(path: Path, columns: int, rows: int, first_id: int = 1) -> int:
    """Write a raw file, each fiftieth row of which has a wrong whole number; return how many rows are good."""
    bad = 0
    with path.open("wb") as stream:
        for frame in frames(columns, rows, first_id):
            wrong = pl.col(ID) % BAD_EVERY == 0
            spoiled = frame.with_columns(pl.when(wrong).then(pl.lit(5_000)).otherwise(pl.col("f0003")).alias("f0003"))
            bad += int(spoiled.select(wrong.sum()).item())
            spoiled.write_csv(stream, include_header=stream.tell() == 0)
    return rows - bad


def frames(columns: int, rows: int, first_id: int = 1) -> Iterator[pl.DataFrame]:
    """Yield the rows in pieces; a fiftieth of the numbers that may be missing are."""
    piece = max(1, PIECE * 5 // columns)
    for start in range(first_id, first_id + rows, piece):
        count = min(piece, first_id + rows - start)
        random = np.random.default_rng(start)
        series = [pl.Series(ID, np.arange(start, start + count))]
        for number in range(columns):
            name = f"f{number:04d}"
            if number % 5 == 4:
                values = pl.Series(name, np.asarray(LEVELS)[random.integers(0, len(LEVELS), count)])
            elif number % 5 == 3:
                values = pl.Series(name, random.integers(0, 1_001, count))
            else:
                numbers = pl.Series(name, random.uniform(-100, 100, count).round(2))
                values = numbers.set(pl.Series(random.random(count) < 1 / BAD_EVERY), None)
            series.append(values)
        yield pl.DataFrame(series)
