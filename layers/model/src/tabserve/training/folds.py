"""Cross-validation inside the rows to learn from: what models answer to rows that they did not learn from."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tabserve.core.use_case import UseCase
from tabserve.training.dataset import LabelledRows

FOLDS: Final = 10
Places = NDArray[np.intp]
Floats = NDArray[np.float64]


class Fitted(Protocol):
    """A model that answers."""

    def score(self, columns: Mapping[str, Any], rows: int) -> Floats:
        """Score inputs given by column."""


Fit = Callable[[UseCase, LabelledRows], Fitted]


def folds(use_case: UseCase, rows: LabelledRows, repeat: int = 0) -> Iterator[tuple[Places, Places]]:
    """Yield ten times the places of rows to learn from and of the others, each class spread over all.

    Every `repeat` draws other folds from the seed.
    """
    generator = np.random.default_rng(use_case.training.random_state + repeat)
    fold = np.empty(len(rows), dtype=np.intp)
    order = generator.permutation(len(rows))
    if not use_case.is_regression:
        order = order[np.argsort(rows.targets[order], kind="stable")]
    fold[order] = np.arange(len(rows)) % FOLDS
    for number in range(min(FOLDS, len(rows))):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


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
