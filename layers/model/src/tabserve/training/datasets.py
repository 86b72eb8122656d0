"""Labelled data from CSV files and from scikit-learn's collection."""

import csv
from pathlib import Path
from typing import Final

from tabserve.core.csv_files import rows_of
from tabserve.core.errors import TrainingDataError
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import Dataset

BUNDLED_PREFIX: Final = "sklearn:"


def read_dataset(use_case: UseCase, source: str, root: Path) -> Dataset:
    """Read `sklearn:NAME`, or a CSV whose relative path starts at `root`; raise TrainingDataError."""
    if source.startswith(BUNDLED_PREFIX):
        return _bundled(use_case, source.removeprefix(BUNDLED_PREFIX))
    return read_csv(root / source)


def read_csv(path: Path) -> Dataset:
    """Read a CSV file, every cell as text; raise TrainingDataError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = [tuple(row) for row in rows_of(stream) if row]
    except OSError as error:
        raise TrainingDataError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TrainingDataError(f"{path.name} is not UTF-8 at byte {error.start}.") from error
    except csv.Error as error:
        raise TrainingDataError(f"{path.name} is not CSV: {error}.") from error
    if not lines:
        raise TrainingDataError(f"{path.name} is empty.")
    return Dataset(path.name, lines[0], tuple(lines[1:]))


def _bundled(use_case: UseCase, name: str) -> Dataset:
    """Return a data set of scikit-learn: ids from 1, columns and classes in the order of the use case."""
    from sklearn import datasets

    loader = getattr(datasets, f"load_{name}", None)
    if loader is None:
        raise TrainingDataError(f"scikit-learn has no data set {name!r}.")
    loaded = loader()
    features, classes = use_case.feature_names, use_case.target.texts
    if loaded.data.shape[1] != len(features) or len(loaded.target_names) != len(classes):
        raise TrainingDataError(
            f"sklearn:{name} has {loaded.data.shape[1]} columns and {len(loaded.target_names)} classes; "
            f"{use_case.name} defines {len(features)} and {len(classes)}."
        )
    rows = tuple(
        (str(number), *map(str, values), classes[target])
        for number, (values, target) in enumerate(zip(loaded.data.tolist(), loaded.target.tolist(), strict=True), 1)
    )
    return Dataset(f"sklearn:{name}", (use_case.id_column, *features, use_case.target.name), rows)
