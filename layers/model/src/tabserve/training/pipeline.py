"""Training with scikit-learn: impute, one-hot, scale, predict, in one Pipeline made from the use case."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from tabserve.core.features import BooleanFeature, CategoryFeature, InputFeature
from tabserve.core.records import Value
from tabserve.core.training import BOOSTING
from tabserve.core.use_case import UseCase
from tabserve.registry.version import PIPELINE
from tabserve.training.boosting import boosting_estimator
from tabserve.training.choice import Choice
from tabserve.training.dataset import Array
from tabserve.training.export import export
from tabserve.training.vocabulary import Vocabulary

Columns = Mapping[str, Sequence[Value] | Array]
PASSED: Final = "passthrough"


class SklearnModel:
    """A fitted pipeline and the vocabulary of its open categories."""

    only_valid: Final = False

    def __init__(self, use_case: UseCase, pipeline: Pipeline, vocabulary: Vocabulary) -> None:
        self._use_case = use_case
        self.pipeline = pipeline
        self.vocabulary = vocabulary

    def score(self, columns: Columns, rows: int) -> NDArray[np.float64]:
        """Score inputs given by column; return probabilities, shape (rows, classes), or values, shape (rows, 1)."""
        frame = frame_of(self._use_case, columns)
        if self._use_case.is_regression:
            values: NDArray[np.float64] = self.pipeline.predict(frame).reshape(rows, 1)
            return values
        probabilities: NDArray[np.float64] = self.pipeline.predict_proba(frame)
        classes = len(self._use_case.target.classes)
        if probabilities.shape[1] == classes:
            return probabilities
        every = np.zeros((rows, classes))  # a class that no row of a fold has is never answered
        every[:, self.pipeline.classes_] = probabilities
        return every

    def save(self) -> dict[str, bytes]:
        """Return the pipeline as a file that joblib writes."""
        stream = io.BytesIO()
        joblib.dump(self.pipeline, stream)
        return {PIPELINE: stream.getvalue()}

    def export(self) -> bytes:
        """Return the same pipeline as an ONNX model."""
        return export(self._use_case, self.pipeline)


def build_pipeline(use_case: UseCase, vocabulary: Vocabulary, choice: Choice) -> Pipeline:
    """Return the unfitted pipeline of a choice; open categories are those of the vocabulary."""
    if choice.estimator in BOOSTING:
        return _boosting(use_case, vocabulary, choice)
    linear = choice.estimator in ("logistic_regression", "ridge")
    categories = [
        (feature.name, _categorical(feature, _one_hot(texts)), [feature.name])
        for feature, texts in _categories(use_case, vocabulary).items()
    ]
    numbers = [
        (f"{strategy} numbers", _numeric(strategy, scaled=linear), names)
        for strategy, names in _by_strategy(use_case, default=_default_strategy).items()
    ]
    return Pipeline(
        [("preprocess", ColumnTransformer([*numbers, *categories])), ("predict", _estimator(use_case, choice))]
    )


def _boosting(use_case: UseCase, vocabulary: Vocabulary, choice: Choice) -> Pipeline:
    """Return a pipeline of trees that treat missing values and categories by themselves.

    Categories come first, as places in their list; an unknown one is missing.
    """
    kept = _categories(use_case, vocabulary)
    categories = [
        (feature.name, _categorical(feature, _ordinal(texts)), [feature.name]) for feature, texts in kept.items()
    ]
    by_strategy = _by_strategy(use_case, default=lambda _: PASSED)
    numbers = [
        (f"{strategy} numbers", PASSED if strategy == PASSED else _numeric(strategy, scaled=False), names)
        for strategy, names in by_strategy.items()
    ]
    estimator = boosting_estimator(
        use_case, choice, [len(texts) for texts in kept.values()], sum(map(len, by_strategy.values()))
    )
    return Pipeline([("preprocess", ColumnTransformer([*categories, *numbers])), ("predict", estimator)])


def _categories(use_case: UseCase, vocabulary: Vocabulary) -> dict[CategoryFeature, Sequence[str]]:
    """Return the known texts of the categories that have any."""
    features = [feature for feature in use_case.inputs if isinstance(feature, CategoryFeature)]
    texts = {feature: vocabulary.get(feature.name, feature.texts) for feature in features}
    return {feature: known for feature, known in texts.items() if known}


def _by_strategy(use_case: UseCase, default: Callable[[InputFeature], str]) -> dict[str, list[str]]:
    """Return the names of all other features by how their missing values are filled."""
    found: dict[str, list[str]] = {}
    for feature in use_case.inputs:
        if not isinstance(feature, CategoryFeature):
            found.setdefault(feature.impute or default(feature), []).append(feature.name)
    return found


def _default_strategy(feature: InputFeature) -> str:
    return "most_frequent" if isinstance(feature, BooleanFeature) else "median"


def _numeric(strategy: str, *, scaled: bool) -> Pipeline:
    imputer = SimpleImputer(strategy=strategy, keep_empty_features=True, copy=False)  # the frame is nobody else's
    return make_pipeline(imputer, *([StandardScaler(copy=False)] if scaled else []))


def _categorical(feature: CategoryFeature, encoder: OneHotEncoder | OrdinalEncoder) -> Pipeline:
    """Encode known texts; all others, such as the missing ones of an open category, are none of them."""
    imputer = [SimpleImputer(missing_values="", strategy="most_frequent")] if feature.impute else []
    return make_pipeline(*imputer, encoder)


def _one_hot(texts: Sequence[str]) -> OneHotEncoder:
    return OneHotEncoder(categories=[list(texts)], handle_unknown="ignore")


def _ordinal(texts: Sequence[str]) -> OrdinalEncoder:
    return OrdinalEncoder(categories=[list(texts)], handle_unknown="use_encoded_value", unknown_value=np.nan)


def _estimator(use_case: UseCase, choice: Choice) -> BaseEstimator:
    seed, parameters = use_case.training.random_state, choice.parameters
    match choice.estimator:
        case "logistic_regression":
            return LogisticRegression(**{"max_iter": 5_000, "random_state": seed, **parameters})
        case "ridge":
            return Ridge(**{"random_state": seed, **parameters})
        case "extra_trees":
            forest = ExtraTreesRegressor if use_case.is_regression else ExtraTreesClassifier
        case _:
            forest = RandomForestRegressor if use_case.is_regression else RandomForestClassifier
    return forest(**{"n_estimators": 100, "min_samples_leaf": 2, "random_state": seed, **parameters})


def frame_of(use_case: UseCase, columns: Columns) -> pd.DataFrame:
    """Return the model's inputs as pipelines take them: numbers as float64, categories as texts, "" where missing."""
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
