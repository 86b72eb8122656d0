"""Populations to draw references and windows from: rows of a use case's data, with a fitted model's answers."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tabserve.core.records import Value
from tabserve.core.use_case import CategoryFeature, UseCase
from tabserve.reference.profile import PREDICTION, PROBABILITY, Profile

ROOT = Path(__file__).resolve().parent.parent
Column = NDArray[np.object_]
HEAVY_TAILED = "heavy-tailed"


@dataclass(frozen=True)
class Population:
    """All rows there are: a window is drawn from them with replacement."""

    use_case: UseCase
    columns: Mapping[str, Column]
    size: int

    @classmethod
    def of(cls, use_case: UseCase, features: Mapping[str, Sequence[Any]], targets: Sequence[str]) -> Self:
        """Fit a model to the rows and keep its answers beside them."""
        import pandas as pd

        table = pd.DataFrame({name: features[name] for name in use_case.feature_names})
        categories = [feature.name for feature in use_case.features if isinstance(feature, CategoryFeature)]
        table[categories] = table[categories].fillna("").astype(str)
        model = _model(use_case).fit(table, list(targets))
        scores = model.predict_proba(table)
        best = scores.argmax(axis=1)
        positive = use_case.target.positive_class
        answered = scores[:, list(model.classes_).index(str(positive))] if positive is not None else scores.max(axis=1)
        columns = {name: np.array(list(features[name]), dtype=object) for name in use_case.feature_names}
        columns[PREDICTION] = np.array([model.classes_[index] for index in best], dtype=object)
        columns[PROBABILITY] = answered.astype(object)
        return cls(use_case, columns, len(table))

    @classmethod
    def of_data(cls, use_case: UseCase) -> Self:
        """Return the training rows of a use case."""
        features, targets = _rows(use_case)
        return cls.of(use_case, features, targets)

    def draw(self, rng: np.random.Generator, rows: int) -> dict[str, Column]:
        """Draw rows with replacement."""
        chosen = rng.integers(self.size, size=rows)
        return {name: column[chosen] for name, column in self.columns.items()}

    def profile(self, columns: Mapping[str, Column]) -> Profile:
        """Profile drawn rows as the reference."""
        features: dict[str, list[Value]] = {name: columns[name].tolist() for name in self.use_case.feature_names}
        predictions, probabilities = columns[PREDICTION].tolist(), columns[PROBABILITY].tolist()
        return Profile.of(self.use_case, features, predictions, probabilities)

    def window(self, reference: Profile, columns: Mapping[str, Column]) -> Profile:
        """Profile drawn rows as a window."""
        lists = {name: column.tolist() for name, column in columns.items()}
        return reference.window(lists, len(lists[PREDICTION]))


def heavy_tailed(rows: int = 4_000) -> Population:
    """Return numbers without variance, ties, rare categories and missing values."""
    rng = np.random.default_rng(20)
    names = ("pareto", "cauchy", "lognormal", "claims")
    numbers = {"type": "number", "minimum": -1e300, "maximum": 1e300, "required": False, "impute": "median"}
    use_case = UseCase.model_validate(
        {
            "name": HEAVY_TAILED,
            "version": 1,
            "task": "binary_classification",
            "id_column": "Id",
            "features": [{"name": name} | numbers for name in names]
            + [{"name": "rare", "type": "category", "categories": list(range(8))}],
            "target": {"name": "outcome", "classes": [0, 1], "positive_class": 1},
        }
    )
    columns: dict[str, Any] = {
        "pareto": rng.pareto(1.1, rows),
        "cauchy": rng.standard_cauchy(rows),
        "lognormal": rng.lognormal(0, 2.5, rows).round(1),
        "claims": np.where(rng.random(rows) < 0.7, 0, rng.zipf(1.8, rows)).astype(float),
        "rare": np.minimum(rng.geometric(0.5, rows) - 1, 7),
    }
    targets = (columns["lognormal"] * rng.random(rows) > 1).astype(int).astype(str).tolist()
    for name in names[:2]:
        columns[name] = np.where(rng.random(rows) < 0.03, np.nan, columns[name])
    return Population.of(use_case, columns, targets)


def _rows(use_case: UseCase) -> tuple[dict[str, list[Any]], list[str]]:
    if use_case.training.data.startswith("sklearn:"):
        bunch = getattr(datasets, f"load_{use_case.training.data.removeprefix('sklearn:')}")()
        columns = {name: bunch.data[:, index].tolist() for index, name in enumerate(use_case.feature_names)}
        return columns, [use_case.target.texts[index] for index in bunch.target]
    with (ROOT / use_case.training.data).open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    features: dict[str, list[Any]] = {}
    for feature in use_case.features:
        texts = [record[feature.name] for record in records]
        absent = use_case.missing_values
        as_value = str if isinstance(feature, CategoryFeature) else float
        features[feature.name] = [None if text in absent else as_value(text) for text in texts]
    return features, [record[use_case.target.name] for record in records]


def _model(use_case: UseCase) -> Pipeline:
    categories = [feature.name for feature in use_case.features if isinstance(feature, CategoryFeature)]
    numbers = [name for name in use_case.feature_names if name not in categories]
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer([("categories", OneHotEncoder(), categories), ("numbers", scaled, numbers)])
    return make_pipeline(columns, LogisticRegression(max_iter=1_000))
