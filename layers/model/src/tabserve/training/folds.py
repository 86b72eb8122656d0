"""Cross-validation inside the rows to learn from: what models answer to rows that they did not learn from."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tabserve.core.use_case import UseCase
from tabserve.registry.version import Metric
from tabserve.training.dataset import LabelledRows

FOLDS: Final = 10
INSIDE: Final = 0.975
Places = NDArray[np.intp]
Floats = NDArray[np.float64]


class Fitted(Protocol):
    """A model that answers."""

    def score(self, columns: Mapping[str, Any], rows: int) -> Floats:
        """Score inputs given by column."""


Fit = Callable[[UseCase, LabelledRows], Fitted]


def folds(
    use_case: UseCase, rows: LabelledRows, repeat: int = 0, count: int = FOLDS
) -> Iterator[tuple[Places, Places]]:
    """Yield `count` times the places of rows to learn from and of the others, each class spread over all.

    Copies of a row, the same in every column of a record, are left out together: a model that has learned one of them
    knows the others, and would be measured too well. Where a class has fewer different rows than there are folds, each
    row counts for itself. Every `repeat` draws other folds from the seed.
    """
    generator = np.random.default_rng(use_case.training.random_state + repeat)
    order = generator.permutation(len(rows))
    first = first_copies(use_case, rows)
    is_first = first == np.arange(len(rows))
    if _fewest(use_case, rows.take(np.flatnonzero(is_first))) < count:
        first, is_first = np.arange(len(rows)), np.ones(len(rows), dtype=bool)
    order = order[is_first[order]]
    if not use_case.is_regression:
        order = order[np.argsort(rows.targets[order], kind="stable")]
    fold = np.empty(len(rows), dtype=np.intp)
    fold[order] = np.arange(len(order)) % count
    fold = fold[first]
    for number in range(min(count, len(order))):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


def first_copies(use_case: UseCase, rows: LabelledRows) -> Places:
    """Return for each row the place of the first one that is the same in every column of a record."""
    from pandas import factorize

    key = np.zeros(len(rows), dtype=np.int64)
    for name in use_case.feature_names:
        codes, distinct = factorize(rows.columns[name])  # what is missing has the code -1
        key, _ = factorize(key * (len(distinct) + 1) + codes + 1)
    _, firsts, groups = np.unique(key, return_index=True, return_inverse=True)
    return firsts[groups]


def _fewest(use_case: UseCase, rows: LabelledRows) -> int:
    if use_case.is_regression:
        return len(rows)
    return int(np.bincount(rows.targets, minlength=len(use_case.target.classes)).min())


def out_of_fold(use_case: UseCase, rows: LabelledRows, fit: Fit, enough: int) -> tuple[Floats, Places]:
    """Return answers to rows by models that did not learn from them, and the rows' places.

    Folds end when there are `enough` answers.
    """
    answers: list[Floats] = []
    places: list[Places] = []
    for learned, others in folds(use_case, rows):
        left_out = rows.take(others)
        answers.append(fit(use_case, rows.take(learned)).score(left_out.columns, len(left_out)))
        places.append(others)
        if sum(map(len, places)) >= enough:
            break
    return np.concatenate(answers), np.concatenate(places)


def standard_error(values: Sequence[float], count: int = FOLDS) -> float:
    """Return the standard error of the mean over folds, as the corrected resampled t-test has it (Nadeau and Bengio).

    Folds share most of the rows they learn from, so their variance alone would make it too small. Folds without a
    value, as of the area under a curve with one class only, are left out.
    """
    known = np.array([value for value in values if math.isfinite(value)])
    if len(known) < 2:
        return 0.0
    return math.sqrt((1 / len(known) + 1 / (count - 1)) * known.var(ddof=1))


def corrected(values: Sequence[float], count: int = FOLDS) -> Metric:
    """Return the mean over folds with its 95 % interval."""
    from scipy.stats import t

    known = np.array([value for value in values if math.isfinite(value)])
    half = float(t.ppf(INSIDE, len(known) - 1)) * standard_error(values, count) if len(known) > 1 else 0.0
    mean = float(known.mean())
    return Metric(value=mean, low=mean - half, high=mean + half)
