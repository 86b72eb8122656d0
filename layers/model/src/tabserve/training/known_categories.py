"""Categories that boosting knows by itself: those of pandas columns of dtype category that it was trained on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabserve.core.errors import ImportRefusedError
from tabserve.core.features import CategoryFeature, InputFeature
from tabserve.training.imported_model import text_of


@dataclass(frozen=True, slots=True)
class Known:
    """A column's categories by their texts: the values as pandas has them, and the numbers that the trees compare."""

    values: Mapping[str, Any]
    numbers: Mapping[str, float]

    def column(self, texts: Sequence[object]) -> pd.Categorical:
        """Return the column as the estimator takes it; what it does not know is missing."""
        return pd.Categorical([self.values.get(str(text)) for text in texts], categories=[*self.values.values()])


def known_categories(estimator: Any, features: Sequence[InputFeature]) -> dict[str, Known]:  # noqa: ANN401
    """Return what a fitted estimator knows, by the names of its columns, which `features` are in its order.

    Raise ImportRefusedError where the definition has no categories for such a column.
    """
    found = _found(estimator)
    for place in found:
        if not isinstance(feature := features[place], CategoryFeature):
            raise ImportRefusedError(
                f"The model takes {feature.name!r} as a category, and the definition says it is a {feature.type}; "
                "make it a category there."
            )
    return {features[place].name: known for place, known in found.items()}


def _found(estimator: Any) -> dict[int, Known]:  # noqa: ANN401
    kind = f"{type(estimator).__module__.partition('.')[0]}.{type(estimator).__name__}"
    if kind.startswith("lightgbm."):
        return _of_lightgbm(estimator.booster_)
    if kind.startswith("xgboost."):
        return _of_xgboost(estimator.get_booster())
    if kind.startswith("sklearn.HistGradientBoosting"):
        return _of_hist(estimator)
    return {}


def _of_lightgbm(booster: Any) -> dict[int, Known]:  # noqa: ANN401
    values = booster.pandas_categorical or []
    said = re.search(r"^\[categorical_feature: ([\d,]*)\]$", booster.model_to_string(num_iteration=1), re.MULTILINE)
    places = [int(place) for place in said[1].split(",") if place] if said and values else []
    if len(places) != len(values):
        raise ImportRefusedError(
            f"LightGBM was given {len(values)} columns of dtype category and told of {len(places)} as "
            "categorical_feature; train it without categorical_feature, or name all of them."
        )
    return {place: _coded(own) for place, own in zip(places, values, strict=True)}


def _of_xgboost(booster: Any) -> dict[int, Known]:  # noqa: ANN401
    if "c" not in (booster.feature_types or ()):
        return {}
    columns = booster.get_categories(export_to_arrow=True).to_arrow() or []
    return {place: _coded(own.to_pylist()) for place, (_, own) in enumerate(columns) if own is not None}


def _of_hist(boosting: Any) -> dict[int, Known]:  # noqa: ANN401
    """Return texts by their places; numbers, which the trees' reader encodes itself, by their values."""
    if boosting._preprocessor is None or boosting.categorical_features != "from_dtype":
        return {}
    own = boosting._preprocessor.named_transformers_["encoder"].categories_
    places = np.flatnonzero(boosting.is_categorical_).tolist()
    return {place: _coded(each, themselves=each.dtype.kind in "if") for place, each in zip(places, own, strict=True)}


def _coded(values: Sequence[Any], *, themselves: bool = False) -> Known:
    known = {text_of(value): value for value in values if not pd.isna(value)}
    return Known(known, {text: float(known[text] if themselves else place) for place, text in enumerate(known)})
