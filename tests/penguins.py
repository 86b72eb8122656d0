"""Made-up penguins for `use_cases/penguins.yaml`."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from tabserve.training.dataset import Dataset
from tests.definitions import CATALOG

PENGUINS = CATALOG.get("penguins")
MEANS = {"Chinstrap": (48.8, 3733.0, 196.0), "Adelie": (38.8, 3700.0, 190.0), "Gentoo": (47.5, 5076.0, 217.0)}
HEADER = (
    "Sample Number",
    "Region",
    "Island",
    "Culmen Length (mm)",
    "Body Mass (g)",
    "Flipper Length",
    "Stage",
    "Sex",
    "Species",
)


def penguins(rows: int = 300, seed: int = 1) -> Dataset:
    """Return labelled rows with missing values in every optional column."""
    generator = np.random.default_rng(seed)
    species = generator.choice(list(MEANS), rows)
    return Dataset("penguins.csv", HEADER, tuple(_row(n, str(name), generator) for n, name in enumerate(species, 1)))


def write_penguins(path: Path, rows: int = 300, seed: int = 1) -> Path:
    """Write penguins as a CSV file."""
    dataset = penguins(rows, seed)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows((dataset.header, *dataset.rows))
    return path


def _row(number: int, species: str, generator: np.random.Generator) -> tuple[str, ...]:
    length, mass, flipper = MEANS[species]

    def maybe(text: Any) -> str:
        return str(generator.choice(["", "NA", "?"])) if generator.random() < 0.05 else str(text)

    return (
        f"N{number}",
        "Anvers, north",
        str(generator.choice(["Biscoe", "Dream", "Torgersen"])),
        maybe(round(float(generator.normal(length, 3)), 1)),
        maybe(round(float(generator.normal(mass, 300)))),
        str(round(float(generator.normal(flipper, 6)))),
        maybe(generator.choice(["1", "2"])),
        maybe(generator.choice(["female", "male"])),
        species,
    )
