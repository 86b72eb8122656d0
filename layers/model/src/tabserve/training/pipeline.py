"""Training with scikit-learn: impute, one-hot, scale, classify, in one Pipeline made from the use case."""

import io
from collections.abc import Mapping, Sequence

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tabserve.core.features import CategoryFeature, NumberFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import LabelledRows
from tabserve.training.export import export


class SklearnModel:
    """A fitted pipeline."""

    def __init__(self, use_case: UseCase, pipeline: Pipeline) -> None:
        self._use_case = use_case
        self.pipeline = pipeline

    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> NDArray[np.float64]:  # noqa: ARG002
        """Score features given by column; return an array of shape (rows, classes)."""
        probabilities: NDArray[np.float64] = self.pipeline.predict_proba(_frame(self._use_case, columns))
        return probabilities

    def save(self) -> bytes:
        """Return the pipeline as joblib writes it."""
        stream = io.BytesIO()
        joblib.dump(self.pipeline, stream)
        return stream.getvalue()

    def export(self) -> bytes:
        """Return the same pipeline as an ONNX model."""
        return export(self._use_case, self.pipeline)


def fit(use_case: UseCase, rows: LabelledRows) -> SklearnModel:
    """Fit a new pipeline; classes are their places in the use case, so probabilities come in its order."""
    pipeline = build_pipeline(use_case)
    pipeline.fit(_frame(use_case, rows.columns), np.array(rows.targets))
    return SklearnModel(use_case, pipeline)


def build_pipeline(use_case: UseCase) -> Pipeline:
    """Return the unfitted pipeline of a use case."""
    linear = use_case.estimator == "logistic_regression"
    preprocess = ColumnTransformer(_transformers(use_case, scaled=linear))
    return Pipeline([("preprocess", preprocess), ("classify", _estimator(use_case))])


def _transformers(use_case: UseCase, *, scaled: bool) -> list[tuple[str, Pipeline, list[str]]]:
    numbers: dict[str, list[str]] = {}
    for feature in use_case.features:
        if isinstance(feature, NumberFeature):
            numbers.setdefault(feature.impute or "median", []).append(feature.name)
    categories = [feature for feature in use_case.features if isinstance(feature, CategoryFeature)]
    return [
        *((f"{strategy} numbers", _numeric(strategy, scaled=scaled), names) for strategy, names in numbers.items()),
        *((feature.name, _categorical(feature), [feature.name]) for feature in categories),
    ]


def _numeric(strategy: str, *, scaled: bool) -> Pipeline:
    imputer = SimpleImputer(strategy=strategy, keep_empty_features=True)
    return make_pipeline(imputer, *([StandardScaler()] if scaled else []))


def _categorical(feature: CategoryFeature) -> Pipeline:
    imputer = [SimpleImputer(missing_values="", strategy="most_frequent")] if feature.impute else []
    encoder = OneHotEncoder(categories=[list(feature.texts)], handle_unknown="ignore", sparse_output=False)
    return make_pipeline(*imputer, encoder)


def _estimator(use_case: UseCase) -> LogisticRegression | RandomForestClassifier:
    training = use_case.training
    if use_case.estimator == "logistic_regression":
        return LogisticRegression(max_iter=5_000, random_state=training.random_state)
    return RandomForestClassifier(n_estimators=100, min_samples_leaf=2, random_state=training.random_state)


def _frame(use_case: UseCase, columns: Mapping[str, Sequence[Value]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            feature.name: np.array(
                ["" if value is None else str(value) for value in columns[feature.name]], dtype=object
            )
            if isinstance(feature, CategoryFeature)
            else np.array(columns[feature.name], dtype=np.float64)
            for feature in use_case.features
        },
        dtype=None,
    )
