"""Labelled rows: read as text, validated by the use case, split into rows to learn from and rows held out."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tabserve.core import rules
from tabserve.core.errors import TrainingDataError
from tabserve.core.features import CategoryFeature, Feature
from tabserve.core.records import FailureCase
from tabserve.core.use_case import UseCase
from tabserve.core.validation import JSON_HINT, Columns, failure_cases

NUMBER: Final = re.compile(rules.NUMBER)
WHOLE: Final = re.compile(rules.INTEGER)
FEWEST_PER_CLASS: Final = 2
MAX_SENTENCES: Final = 8


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table as a CSV file holds it: a header and cells of text."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def sha256(self) -> str:
        """Identify the content, however it was quoted and ended its lines."""
        digest = hashlib.sha256()
        for row in (self.header, *self.rows):
            digest.update("\x1f".join(row).encode() + b"\x1e")
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Valid rows by column; `targets` are places in the use case's list of classes."""

    ids: tuple[str, ...]
    columns: Columns
    targets: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, places: Sequence[int]) -> "LabelledRows":
        """Return some of the rows."""
        columns = {name: [values[place] for place in places] for name, values in self.columns.items()}
        return LabelledRows(
            tuple(self.ids[place] for place in places), columns, tuple(self.targets[place] for place in places)
        )


def labelled_rows(use_case: UseCase, dataset: Dataset) -> LabelledRows:
    """Validate every row; raise TrainingDataError with the columns and rules that rows break."""
    cells = cells_by_column(dataset, (*use_case.required_columns, use_case.target.name))
    missing = frozenset(use_case.missing_values)
    problems = _Problems(dataset.name)
    columns: Columns = {}
    for feature in use_case.features:
        values = [feature_value(feature, text, missing) for text in cells[feature.name]]
        problems.note(cells[feature.name], values, lambda value, feature=feature: failure_cases(feature, value))  # type: ignore[misc]
        columns[feature.name] = values  # type: ignore[assignment]  # doubtful values raise below
    ids, labels = cells[use_case.id_column], cells[use_case.target.name]
    problems.note(ids, _repeats(ids), lambda repeated: _id_cases(use_case.id_column, repeated))
    classes = {text: place for place, text in enumerate(use_case.target.texts)}
    problems.note(labels, labels, lambda label: _target_cases(use_case, label))
    problems.raise_any()
    targets = tuple(classes[label] for label in labels)
    _require_every_class(use_case, dataset.name, targets)
    return LabelledRows(tuple(ids), columns, targets)


def cells_by_column(dataset: Dataset, needed: Sequence[str]) -> dict[str, list[str]]:
    """Return some columns as the file holds them; raise TrainingDataError where there are none, or no rows."""
    absent = [name for name in needed if name not in dataset.header]
    if absent:
        raise TrainingDataError(
            f"{dataset.name}: missing column {', '.join(map(repr, absent))}; it has {', '.join(dataset.header)}."
        )
    if not dataset.rows:
        raise TrainingDataError(f"{dataset.name} has no data rows.")
    for number, row in enumerate(dataset.rows, start=1):
        if len(row) != len(dataset.header):
            raise TrainingDataError(
                f"{dataset.name}: data row {number} has {len(row)} cells, the header {len(dataset.header)}."
            )
    places = {name: dataset.header.index(name) for name in needed}
    return {name: [row[place] for row in dataset.rows] for name, place in places.items()}


def feature_value(feature: Feature, text: str, missing: frozenset[str]) -> object:
    """Return what a cell stands for; a cell that is no value of the feature stays text."""
    if text in missing:
        return None
    if isinstance(feature, CategoryFeature):
        return next((category for category in feature.categories if str(category) == text), text)
    if feature.type == "integer" and WHOLE.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text


def stratified_split(rows: LabelledRows, share: float, seed: int) -> tuple[LabelledRows, LabelledRows]:
    """Hold out a share of each class's rows, drawn with a seed; return rows to learn from and rows held out."""
    generator = np.random.default_rng(seed)
    targets = np.array(rows.targets)
    held_out: list[int] = []
    for target in np.unique(targets):
        places = generator.permutation(np.flatnonzero(targets == target))
        count = min(max(round(len(places) * share), 1), len(places) - 1)
        held_out.extend(places[:count].tolist())
    chosen = set(held_out)
    return rows.take([place for place in range(len(rows)) if place not in chosen]), rows.take(sorted(held_out))


def require_disjoint(training: LabelledRows, held_out: LabelledRows, name: str) -> None:
    """Raise TrainingDataError when a held-out row was learned from."""
    shared = set(training.ids).intersection(held_out.ids)
    if shared:
        raise TrainingDataError(
            f"{name}: {len(shared)} ids are also in the training data (first: {min(shared)!r}); "
            "measures on rows the model has learned from would flatter it."
        )


class _Problems:
    """The rules that cells break, counted by column and rule."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._sentences: dict[tuple[str, str], list[str]] = {}

    def note(
        self, texts: Sequence[str], values: Sequence[object], check: Callable[[object], list[FailureCase]]
    ) -> None:
        for number, (text, value) in enumerate(zip(texts, values, strict=True), start=1):
            for case in check(value):
                sentence = f"{case.message.removesuffix(JSON_HINT)} (data row {number}: {text!r})"
                self._sentences.setdefault((case.column, case.rule), []).append(sentence)

    def raise_any(self) -> None:
        if self._sentences:
            lines = [
                f"column {column!r} breaks {rule} in {len(sentences)} row{'s'[: len(sentences) > 1]}: {sentences[0]}"
                for (column, rule), sentences in self._sentences.items()
            ]
            more = [f"and {len(lines) - MAX_SENTENCES} more"] if len(lines) > MAX_SENTENCES else []
            raise TrainingDataError(f"{self._name}: " + "\n  ".join(["", *lines[:MAX_SENTENCES], *more]).strip())


def _repeats(texts: Sequence[str]) -> list[str | None]:
    seen: set[str] = set()
    found: list[str | None] = []
    for text in texts:
        found.append(text if text in seen or not text else None)
        seen.add(text)
    return found


def _id_cases(column: str, repeated: object) -> list[FailureCase]:
    if repeated is None:
        return []
    if not repeated:
        return [FailureCase(column, "missing_value", f"{column} is required")]
    return [FailureCase(column, "duplicated_id", f"{column} must identify one row")]


def _target_cases(use_case: UseCase, label: object) -> list[FailureCase]:
    target = use_case.target
    if label in target.texts:
        return []
    return [FailureCase(target.name, "unknown_class", f"{target.name} must be one of {', '.join(target.texts)}")]


def _require_every_class(use_case: UseCase, name: str, targets: Sequence[int]) -> None:
    for place, text in enumerate(use_case.target.texts):
        count = targets.count(place)
        if count < FEWEST_PER_CLASS:
            raise TrainingDataError(
                f"{name}: column {use_case.target.name!r} holds class {text!r} in {count} rows; "
                f"training needs at least {FEWEST_PER_CLASS} rows of each class."
            )
