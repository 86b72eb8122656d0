"""Validate labelled tables: cells become values, rules that cells break become one message."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np

from tabserve.core.derivation import with_derived
from tabserve.core.errors import TrainingDataError
from tabserve.core.features import HIGHEST, LOWEST, NumberFeature
from tabserve.core.records import FailureCase
from tabserve.core.use_case import UseCase
from tabserve.training.cells import Cells, Refused, array, values
from tabserve.training.dataset import Array, Dataset, LabelledRows, has_value

FEWEST_PER_CLASS: Final = 2
FEWEST_ROWS: Final = 10  # of a regression
MAX_SENTENCES: Final = 8
UNKNOWN: Final = -1  # the place of no class
ROWS_AT_ONCE: Final = 2_000  # a processor's cache holds the cells

ROWS_BETWEEN_NEWS: Final = 100_000

Progress = Callable[[str], None]
Columns = dict[str, Array]
Block = Mapping[str, Sequence[str]]


def labelled_rows(use_case: UseCase, dataset: Dataset, progress: Progress = lambda _: None) -> LabelledRows:
    """Validate every row, return those that have a target; raise TrainingDataError with the rules that rows break."""
    problems = _Problems(dataset.name)
    readers = {feature.name: Cells(use_case, feature) for feature in use_case.features}
    target = _target_reader(use_case)
    ids: list[str] = []
    rows_before = 0
    pieces: list[Columns] = []
    targets: list[Array] = []
    digest = hashlib.sha256()
    for block in blocks(dataset, (*use_case.required_columns, use_case.target.name), digest):
        columns: Columns = {}
        for name, reader in readers.items():
            columns[name], refused = reader.read(block[name])
            problems.note(rows_before, block[name], refused)
        found, refused = target.read(block[use_case.target.name])
        problems.note(rows_before, block[use_case.target.name], refused)
        pieces.append(columns if problems else columns | derived_columns(use_case, columns))
        targets.append(found)
        rows_before += len(found)
        for name in use_case.id_columns:
            ids += block[name]
        if rows_before % ROWS_BETWEEN_NEWS == 0:
            progress(f"reading {dataset.name}: {rows_before:,} rows")
    for name in use_case.id_columns:
        _note_ids(name, ids, problems)
    problems.raise_any()
    whole = {name: np.concatenate([piece.pop(name) for piece in pieces]) for name in [*pieces[0]]}
    rows = _with_target(LabelledRows(ids, whole, np.concatenate(targets)), dataset.name, progress)
    _require_enough(use_case, dataset.name, rows)
    return replace(rows, sha256=digest.hexdigest())


def _with_target(rows: LabelledRows, name: str, progress: Progress) -> LabelledRows:
    """Leave out rows whose target nobody knows: nothing can be learned from them."""
    unknown = np.isnan(rows.targets) if rows.targets.dtype == np.float64 else rows.targets == UNKNOWN
    if not unknown.any():
        return rows
    progress(f"leaving out {np.count_nonzero(unknown):,} rows of {name} that have no target")
    return rows.take(np.flatnonzero(~unknown))


def require_values(use_case: UseCase, rows: LabelledRows, name: str) -> None:
    """Raise TrainingDataError when a model input has no value in any row: there would be nothing to impute or learn."""
    computed = {each.name: each for each in use_case.derived}
    for feature in use_case.inputs:
        if not has_value(rows.columns[feature.name]).any():
            made = computed.get(feature.name)
            what = f"derived feature {feature.name!r}" if made else f"column {feature.name!r}"
            why = f"; see how it is computed from {', '.join(map(repr, made.sources))}" if made else ""
            raise TrainingDataError(
                f"{name}: {what} has no value in any of the {len(rows)} rows to learn from{why}; "
                f"correct it, or take it out of the definition{' and name the column in `ignore`' * (not made)}."
            )


def derived_columns(use_case: UseCase, columns: Mapping[str, Array]) -> Columns:
    """Compute the derived columns of valid ones."""
    needed = {name for each in use_case.derived for name in each.sources}
    sources = {each.name: values(each, columns[each.name]) for each in use_case.features if each.name in needed}
    found = with_derived(use_case, sources)
    return {each.name: array(each.feature, found[each.name]) for each in use_case.derived}


def blocks(dataset: Dataset, needed: Sequence[str], digest: "hashlib._Hash | None" = None) -> Iterator[Block]:
    """Yield some columns as the file holds them, of some rows at a time; raise TrainingDataError.

    The digest takes in the whole table. There must be all of the columns, once each, and as many cells in each row as
    in the header.
    """
    header, name = dataset.header, dataset.name
    absent = [column for column in needed if column not in header]
    if absent:
        raise TrainingDataError(f"{name}: missing column {', '.join(map(repr, absent))}; it has {', '.join(header)}.")
    doubled = [column for column, count in Counter(header).items() if count > 1 and column in needed]
    if doubled:
        raise TrainingDataError(f"{name}: column {doubled[0]!r} is there more than once; rename or remove one of them.")
    places = {column: header.index(column) for column in needed}
    rows, count = iter(dataset.rows), 0
    if digest:
        digest.update(_bytes([header]))
    while block := list(islice(rows, ROWS_AT_ONCE)):
        if set(map(len, block)) != {len(header)}:
            number, row = next((n, row) for n, row in enumerate(block, count + 1) if len(row) != len(header))
            raise TrainingDataError(f"{name}: data row {number} has {len(row)} cells, the header {len(header)}.")
        if digest:
            digest.update(_bytes(block))
        by_column = list(zip(*block, strict=True))
        count += len(block)
        yield {column: by_column[place] for column, place in places.items()}
    if not count:
        raise TrainingDataError(f"{name} has no data rows.")


def _bytes(rows: Iterable[Sequence[str]]) -> bytes:
    return "".join(["\x1f".join(row) + "\x1e" for row in rows]).encode()


class _Targets:
    """Reads the classes of a target as their places."""

    def __init__(self, use_case: UseCase) -> None:
        target = use_case.target
        self._places = {text: place for place, text in enumerate(target.texts)}
        what = f"{target.name} must be one of {', '.join(target.texts)}"
        self._case = FailureCase(target.name, "unknown_class", what)
        self._missing = frozenset(use_case.missing_values)

    def read(self, cells: Sequence[str]) -> tuple[Array, Refused]:
        refused = {cell: [self._case] for cell in set(cells) - self._places.keys() - self._missing}
        return np.array([self._places.get(cell, UNKNOWN) for cell in cells], dtype=np.intp), refused


class _Problems:
    """The rules that cells break, counted by column and rule."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def note(self, before: int, cells: Sequence[str], refused: Refused) -> None:
        if not refused:
            return
        for number, cell in enumerate(cells, start=before + 1):
            for case in refused.get(cell, ()):
                self.add(case, number, cell)

    def add(self, case: FailureCase, number: int, cell: str) -> None:
        key = (case.column, case.rule)
        self._counts[key] += 1
        self._first.setdefault(key, f"{case.message} (data row {number}: {cell!r})")

    def raise_any(self) -> None:
        if self._counts:
            lines = [
                f"column {column!r} breaks {rule} in {count} row{'s'[: count > 1]}: {self._first[column, rule]}"
                for (column, rule), count in self._counts.items()
            ]
            more = [f"and {len(lines) - MAX_SENTENCES} more"] if len(lines) > MAX_SENTENCES else []
            raise TrainingDataError(f"{self._name}: " + "\n  ".join(["", *lines[:MAX_SENTENCES], *more]).strip())


def target_feature(use_case: UseCase) -> NumberFeature:
    """Return a regression's target as a feature that files are read by."""
    target = use_case.target
    low = LOWEST if target.minimum is None else target.minimum
    high = HIGHEST if target.maximum is None else target.maximum
    limits = {"minimum": low, "maximum": high, "required": False, "impute": "median"}
    return NumberFeature.model_validate({"name": target.name, "type": "number", "unit": target.unit, **limits})


def _target_reader(use_case: UseCase) -> "Cells | _Targets":
    return Cells(use_case, target_feature(use_case)) if use_case.is_regression else _Targets(use_case)


def _note_ids(column: str, ids: Sequence[str], problems: "_Problems") -> None:
    if len(distinct := set(ids)) == len(ids) and "" not in distinct:
        return
    missing = FailureCase(column, "missing_value", f"{column} is required")
    repeated = FailureCase(column, "duplicated_id", f"{column} must identify one row")
    seen: set[str] = set()
    for number, text in enumerate(ids, start=1):
        if not text or text in seen:
            problems.add(repeated if text else missing, number, text)
        seen.add(text)


def _require_enough(use_case: UseCase, name: str, rows: LabelledRows) -> None:
    target = use_case.target
    if use_case.is_regression:
        if len(rows) < FEWEST_ROWS:
            raise TrainingDataError(f"{name} has {len(rows)} rows; a regression needs at least {FEWEST_ROWS}.")
        if np.ptp(rows.targets) == 0:
            raise TrainingDataError(
                f"{name}: column {target.name!r} holds the same number in every row, so there is nothing to learn; "
                "name another target."
            )
        return
    counts = np.bincount(rows.targets, minlength=len(target.classes))
    for text, count in zip(target.texts, counts.tolist(), strict=True):
        if count < FEWEST_PER_CLASS:
            raise TrainingDataError(
                f"{name}: column {target.name!r} holds class {text!r} in {count} rows; "
                f"training needs at least {FEWEST_PER_CLASS} rows of each class."
            )
