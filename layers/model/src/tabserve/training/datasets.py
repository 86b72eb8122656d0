"""Labelled data from CSV files and from scikit-learn's collection."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Final, TextIO

from tabserve.core.csv_files import OUTER_SPACE, rows_of
from tabserve.core.errors import TrainingDataError
from tabserve.core.features import Feature
from tabserve.core.limits import FileFormat
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import Dataset

BUNDLED_PREFIX: Final = "sklearn:"
DEFAULT: Final = FileFormat()


def read_dataset(use_case: UseCase, source: str, root: Path) -> Dataset:
    """Read `sklearn:NAME`, or a CSV whose relative path starts at `root`; raise TrainingDataError."""
    if source.startswith(BUNDLED_PREFIX):
        return _bundled(use_case, source.removeprefix(BUNDLED_PREFIX))
    return read_csv(root / source, use_case.format)


def read_csv(path: Path, form: FileFormat = DEFAULT) -> Dataset:
    """Read the header of a CSV file, its rows when they are iterated; both raise TrainingDataError."""
    lines = _Lines(path, form)
    header = next(iter(lines), None)
    if header is None:
        raise TrainingDataError(f"{path.name} is empty.")
    return Dataset(path.name, tuple(header), _Rows(lines))


@dataclass(frozen=True, slots=True)
class _Lines:
    """All rows of a file that hold anything, its header first."""

    path: Path
    form: FileFormat

    def __iter__(self) -> Iterator[list[str]]:
        path, form = self.path, self.form
        try:
            with self._open() as stream:
                rows = filter(None, rows_of(stream, form.delimiter))
                yield from ([cell.strip(OUTER_SPACE) for cell in row] for row in rows) if form.strip else rows
        except UnicodeError as error:
            where = f" at byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
            name = form.encoding.upper()
            raise TrainingDataError(
                f"{path.name} is not {name}{where}; say in `format` which encoding it has."
            ) from error
        except csv.Error as error:
            raise TrainingDataError(f"{path.name} is not CSV: {error}.") from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise TrainingDataError(
                f"{path.name} is not a whole gzip file, as `format` says it is: {error}."
            ) from error
        except OSError as error:
            raise TrainingDataError(f"Cannot read {path}: {error.strerror}.") from error

    def _open(self) -> TextIO:
        encoding = "utf-8-sig" if self.form.encoding == "utf-8" else self.form.encoding
        if self.form.compression == "gzip":
            return gzip.open(self.path, "rt", encoding=encoding, newline="")
        return self.path.open(encoding=encoding, newline="")


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a file below its header."""

    lines: _Lines

    def __iter__(self) -> Iterator[list[str]]:
        rows = iter(self.lines)
        next(rows, None)
        return rows


def _bundled(use_case: UseCase, name: str) -> Dataset:
    """Return a data set of scikit-learn in its own units: ids from 1, columns and classes in the use case's order."""
    from sklearn import datasets

    loader = getattr(datasets, f"load_{name}", None)
    if loader is None:
        raise TrainingDataError(f"scikit-learn has no data set {name!r}.")
    loaded = loader(scaled=False) if "scaled" in signature(loader).parameters else loader()
    features, classes = use_case.features, use_case.target.texts
    found = 0 if use_case.is_regression else len(getattr(loaded, "target_names", ()))
    if loaded.data.shape[1] != len(features) or found != len(classes):
        raise TrainingDataError(
            f"sklearn:{name} has {loaded.data.shape[1]} columns and {found} classes; "
            f"{use_case.name} defines {len(features)} and {len(classes)}."
        )
    targets = loaded.target.tolist()
    rows = tuple(
        (str(number), *map(_cell, features, values), classes[target] if classes else str(target))
        for number, (values, target) in enumerate(zip(loaded.data.tolist(), targets, strict=True), 1)
    )
    return Dataset(f"sklearn:{name}", (use_case.id_column or "id", *use_case.feature_names, use_case.target.name), rows)


def _cell(feature: Feature, value: float) -> str:
    return str(value) if feature.type == "number" else f"{value:.0f}"
