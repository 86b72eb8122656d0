"""Balance of classes: weights of rows, or made-up rows of the rarer classes between those that are there (SMOTE).

Both take the rows that one model learns from and nothing else, so no row that is left out is copied or mixed into them.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabserve.core.errors import TrainingDataError
from tabserve.core.features import NumberFeature
from tabserve.core.use_case import UseCase

NEIGHBOURS: Final = 5  # as many as imbalanced-learn takes
Targets = NDArray[np.intp]


def row_weights(targets: Targets) -> NDArray[np.float64]:
    """Return a weight a row, so that all classes weigh the same and the mean is 1."""
    from sklearn.utils.class_weight import compute_sample_weight

    weights: NDArray[np.float64] = compute_sample_weight("balanced", targets)
    return weights


def with_made_up_rows(use_case: UseCase, frame: pd.DataFrame, targets: Targets) -> tuple[pd.DataFrame, Targets]:
    """Add made-up rows until every class has as many as the most frequent one; raise TrainingDataError.

    They are made of records, before anything is encoded: numbers lie between those of two near rows, whole ones are
    whole, and yes or no and categories are the neighbours' most frequent ones (SMOTENC). For distances numbers have the
    same spread and missing ones are the median; rows that were there keep their missing values.
    """
    counts = np.bincount(targets)
    fewest = int(counts[counts > 0].min())
    if fewest < 2:
        raise TrainingDataError(
            f"{use_case.name}: `balance: smote` makes rows up between two of a class, and a class of "
            f"{use_case.target.name!r} has one row to learn from; give more rows, or take class_weight."
        )
    numbers = [each.name for each in use_case.inputs if isinstance(each, NumberFeature)]
    others = [name for name in frame.columns if name not in numbers]
    known = frame[numbers].fillna(frame[numbers].median()).fillna(0.0)
    centre, spread = known.mean(), known.std().replace(0.0, 1.0).fillna(1.0)
    codes = [pd.factorize(frame[name], use_na_sentinel=False) for name in others]
    table = np.column_stack([*((known - centre) / spread).to_numpy().T, *(code for code, _ in codes)])
    sampler = _sampler(len(numbers), len(others), min(NEIGHBOURS, fewest - 1), use_case.training.random_state)
    drawn, drawn_targets = sampler.fit_resample(table, targets)
    made, made_targets = drawn[len(frame) :], drawn_targets[len(frame) :]
    columns: dict[str, Any] = {}
    for place, name in enumerate(numbers):
        columns[name] = made[:, place] * spread[name] + centre[name]
    for place, (name, (_, distinct)) in enumerate(zip(others, codes, strict=True), start=len(numbers)):
        columns[name] = np.asarray(distinct)[made[:, place].astype(np.intp)]
    for each in use_case.inputs:
        if isinstance(each, NumberFeature) and each.type == "integer":
            columns[each.name] = np.round(columns[each.name])
    more = pd.DataFrame({name: columns[name] for name in frame.columns})
    return pd.concat([frame, more], ignore_index=True), np.concatenate([targets, made_targets])


def _sampler(numbers: int, others: int, neighbours: int, seed: int) -> Any:  # noqa: ANN401  imblearn has no types
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

    if not others:
        return SMOTE(k_neighbors=neighbours, random_state=seed)
    if not numbers:
        return SMOTEN(k_neighbors=neighbours, random_state=seed)
    places = list(range(numbers, numbers + others))
    return SMOTENC(categorical_features=places, k_neighbors=neighbours, random_state=seed)
