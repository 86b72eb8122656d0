"""Training with scikit-learn: impute, one-hot, scale, predict, in one Pipeline made from the use case."""

import io
from collections.abc import Mapping, Sequence

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tabserve.core.features import BooleanFeature, CategoryFeature, InputFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.training.dataset import Array, LabelledRows
from tabserve.training.export import export
from tabserve.training.vocabulary import Vocabulary, learned

Columns = Mapping[str, Sequence[Value] | Array]


class SklearnModel:
    """A fitted pipeline and the vocabulary of its open categories."""

    def __init__(self, use_case: UseCase, pipeline: Pipeline, vocabulary: Vocabulary) -> None:
        self._use_case = use_case
        self.pipeline = pipeline
        self.vocabulary = vocabulary

    def score(self, columns: Columns, rows: int) -> NDArray[np.float64]:
        """Score inputs given by column; return probabilities, shape (rows, classes), or values, shape (rows, 1)."""
        frame = _frame(self._use_case, columns)
        if self._use_case.is_regression:
            values: NDArray[np.float64] = self.pipeline.predict(frame).reshape(rows, 1)
            return values
        probabilities: NDArray[np.float64] = self.pipeline.predict_proba(frame)
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
    vocabulary = learned(use_case, rows.columns)
    pipeline = build_pipeline(use_case, vocabulary)
    pipeline.fit(_frame(use_case, rows.columns), rows.targets)
    return SklearnModel(use_case, pipeline, vocabulary)


def build_pipeline(use_case: UseCase, vocabulary: Vocabulary) -> Pipeline:
    """Return the unfitted pipeline of a use case; open categories are those of the vocabulary."""
    linear = use_case.estimator in ("logistic_regression", "ridge")
    preprocess = ColumnTransformer(_transformers(use_case, vocabulary, scaled=linear))
    return Pipeline([("preprocess", preprocess), ("predict", _estimator(use_case))])


def _transformers(use_case: UseCase, vocabulary: Vocabulary, *, scaled: bool) -> list[tuple[str, Pipeline, list[str]]]:
    numbers: dict[str, list[str]] = {}
    for feature in use_case.inputs:
        if not isinstance(feature, CategoryFeature):
            numbers.setdefault(_strategy(feature), []).append(feature.name)
    categories = [feature for feature in use_case.inputs if isinstance(feature, CategoryFeature)]
    texts = {feature.name: vocabulary.get(feature.name, feature.texts) for feature in categories}
    return [
        *((f"{strategy} numbers", _numeric(strategy, scaled=scaled), names) for strategy, names in numbers.items()),
        *((each.name, _categorical(each, texts[each.name]), [each.name]) for each in categories if texts[each.name]),
    ]


def _strategy(feature: InputFeature) -> str:
    return feature.impute or ("most_frequent" if isinstance(feature, BooleanFeature) else "median")


def _numeric(strategy: str, *, scaled: bool) -> Pipeline:
    imputer = SimpleImputer(strategy=strategy, keep_empty_features=True, copy=False)  # the frame is nobody else's
    return make_pipeline(imputer, *([StandardScaler(copy=False)] if scaled else []))


def _categorical(feature: CategoryFeature, texts: Sequence[str]) -> Pipeline:
    """Encode known texts; all others, such as the missing ones of an open category, are none of them."""
    imputer = [SimpleImputer(missing_values="", strategy="most_frequent")] if feature.impute else []
    encoder = OneHotEncoder(categories=[list(texts)], handle_unknown="ignore")
    return make_pipeline(*imputer, encoder)


def _estimator(use_case: UseCase) -> LogisticRegression | Ridge | RandomForestClassifier | RandomForestRegressor:
    seed = use_case.training.random_state
    match use_case.estimator:
        case "logistic_regression":
            return LogisticRegression(max_iter=5_000, random_state=seed)
        case "ridge":
            return Ridge(random_state=seed)
    forest = RandomForestRegressor if use_case.is_regression else RandomForestClassifier
    return forest(n_estimators=100, min_samples_leaf=2, random_state=seed)


def _frame(use_case: UseCase, columns: Columns) -> pd.DataFrame:
    return pd.DataFrame(
        {
            feature.name: np.array(
                ["" if value is None else str(value) for value in columns[feature.name]], dtype=object
            )
            if isinstance(feature, CategoryFeature)
            else np.asarray(columns[feature.name], dtype=np.float64)
            for feature in use_case.inputs
        },
        dtype=None,
    )
