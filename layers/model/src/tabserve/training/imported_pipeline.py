"""A fitted scikit-learn pipeline or estimator of somebody else: how it reads rows, and its export."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from tabserve.core.errors import ExportError, ImportRefusedError
from tabserve.core.features import CategoryFeature, InputFeature
from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.training.export import Column, export_columns
from tabserve.training.imported_model import class_order, require_columns
from tabserve.training.known_categories import known_categories

Floats = NDArray[np.float64]
Columns = Mapping[str, Sequence[Value]]
# How a column of categories is given: whole numbers as pandas reads them, texts with missing ones as NaN or as "".
READINGS: Final = ("numbers", "texts", "empty texts")
OWN: Final = "own categories"  # columns of dtype category, of a model that knows theirs
AS_NUMBERS: Final = ("numbers", OWN)
SAID: Final = {
    "numbers": "categories that are whole numbers are given as numbers, as pandas reads them",
    "texts": "categories are given as texts, missing ones as NaN",
    "empty texts": 'categories are given as texts, missing ones as ""',
    OWN: "categories are given as pandas columns of dtype category; what the model has not seen counts as missing",
}


class OpenedPipeline:
    """A pipeline whose way of reading rows was settled on held-out rows."""

    def __init__(self, model: Any, use_case: UseCase, columns: Columns, targets: NDArray[Any]) -> None:  # noqa: ANN401
        self._model, self._use_case = model, use_case
        _require_task(model, use_case)
        _single_thread(model)
        self.notes: list[str] = []
        self._names = self._columns_of(model)
        self._order: list[int] = []
        if not use_case.is_regression:
            self._order, notes = class_order(use_case, list(model.classes_))
            self.notes += notes
        self.estimator = _name(model)
        steps = _steps(model)
        self._known = known_categories(steps[0][1], self._features()) if len(steps) == 1 else {}
        self._reading = self._settled(columns, targets)

    def score(self, columns: Columns, rows: int) -> Floats:
        """Return the original's answers."""
        return self._answers(columns, rows, self._reading)

    def export(self) -> bytes:
        """Return the pipeline as ONNX; raise ExportError with the step that has no exact form."""
        given = [self._column(feature) for feature in self._features()]
        model = self._model
        matrix = not _takes_columns(model)
        if matrix and any(column.kind is StringTensorType for column in given):
            raise ExportError(
                f"{self.estimator} takes texts without a ColumnTransformer, which has no exact export; put its "
                "encoders into one."
            )
        if matrix:
            passed = ColumnTransformer([("columns", "passthrough", list(range(len(given))))])
            passed.fit(np.zeros((1, len(given))))
            model = Pipeline([("columns", passed), *_steps(model)])
        try:
            return export_columns(self._use_case, model, given, self._order)
        except ExportError:
            raise
        except Exception as error:  # skl2onnx raises many kinds
            raise ExportError(
                f"{self.estimator} has no exact export: {_first_line(error)} Steps with one are scikit-learn's own."
            ) from error

    def _columns_of(self, model: Any) -> Sequence[str]:  # noqa: ANN401
        """Return the names of the columns that the model takes, in its order."""
        inputs = self._use_case.input_names
        names = getattr(model, "feature_names_in_", None)
        if names is not None and not all(
            str(name).startswith(("Column_", "x")) and str(name) not in inputs for name in names
        ):
            self.notes += require_columns(self._use_case, [str(name) for name in names])
            return [str(name) for name in names]
        count = getattr(model, "n_features_in_", len(inputs))
        if count != len(inputs):
            raise ImportRefusedError(
                f"The model takes {count} columns without names, and {self._use_case.name} defines {len(inputs)}: "
                f"{', '.join(inputs)}."
            )
        self.notes.append(f"the model knows no names of columns; it is given {', '.join(inputs)} in this order")
        return inputs

    def _features(self) -> list[InputFeature]:
        features = {feature.name: feature for feature in self._use_case.inputs}
        return [features[name] for name in self._names]

    def _column(self, feature: InputFeature) -> Column:
        if not isinstance(feature, CategoryFeature):
            return Column(feature.name, DoubleTensorType)
        if known := self._known.get(feature.name):
            return Column(feature.name, DoubleTensorType, known.numbers)
        if self._reading in AS_NUMBERS and _whole_numbers(feature):
            return Column(feature.name, DoubleTensorType, {text: float(text) for text in feature.texts})
        return Column(feature.name, StringTensorType)

    def _settled(self, columns: Columns, targets: NDArray[Any]) -> str:
        """Return the way of giving categories that raises nothing and answers the held-out rows best."""
        if self._known:
            self._require_answers(columns, len(targets), OWN)
            self.notes.append(SAID[OWN])
            return OWN
        if not any(isinstance(feature, CategoryFeature) for feature in self._features()):
            self._require_answers(columns, len(targets), READINGS[0])
            return READINGS[0]
        losses: dict[str, float] = {}
        errors: list[Exception] = []
        for reading in READINGS:
            try:
                losses[reading] = self._loss(self._answers(columns, len(targets), reading), targets)
            except Exception as error:  # noqa: BLE001  whatever its steps raise at rows they do not take
                errors.append(error)
        if not losses:
            raise ImportRefusedError(f"The model takes no held-out row: {_first_line(errors[0])}") from errors[0]
        best = min(losses, key=losses.__getitem__)
        if np.isnan(losses[best]):
            raise ImportRefusedError(_of_nothing(self._answers(columns, len(targets), best)))
        if len(set(losses.values())) > 1 or errors:
            self.notes.append(SAID[best])
        return best

    def _require_answers(self, columns: Columns, rows: int, reading: str) -> None:
        try:
            answers = self._answers(columns, rows, reading)
        except Exception as error:
            raise ImportRefusedError(f"The model takes no held-out row: {_first_line(error)}") from error
        if np.isnan(answers).any():
            raise ImportRefusedError(_of_nothing(answers))

    def _loss(self, answers: Floats, targets: NDArray[Any]) -> float:
        if self._use_case.is_regression:
            return float(np.abs(answers[:, 0] - targets).mean())
        chosen = answers[np.arange(len(targets)), targets.astype(np.intp)]
        return float(-np.log(np.clip(chosen, 1e-15, 1)).mean())

    def _answers(self, columns: Columns, rows: int, reading: str) -> Floats:
        frame = pd.DataFrame({each.name: self._given(each, columns[each.name], reading) for each in self._features()})
        taken: Any = frame if hasattr(self._model, "feature_names_in_") else frame.to_numpy()
        if self._use_case.is_regression:
            return np.asarray(self._model.predict(taken), dtype=np.float64).reshape(rows, -1)
        probabilities = np.asarray(self._model.predict_proba(taken), dtype=np.float64)
        return probabilities[:, self._order]

    def _given(self, feature: InputFeature, values: Sequence[Value], reading: str) -> NDArray[Any] | pd.Categorical:
        if not isinstance(feature, CategoryFeature):
            return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        if known := self._known.get(feature.name):
            return known.column(values)
        if reading in AS_NUMBERS and _whole_numbers(feature):
            numbers = {text: float(text) for text in feature.texts}
            return np.array([numbers.get(str(value), np.nan) for value in values], dtype=np.float64)
        missing: Any = "" if reading == "empty texts" else np.nan
        return np.array([missing if value is None else str(value) for value in values], dtype=object)


def _whole_numbers(feature: CategoryFeature) -> bool:
    return bool(feature.categories) and all(isinstance(each, int) for each in feature.categories)


def _require_task(model: Any, use_case: UseCase) -> None:  # noqa: ANN401
    name = _name(model)
    if use_case.is_regression:
        if not is_regressor(model):
            raise ImportRefusedError(f"{name} predicts no number, and {use_case.name} is a regression.")
    elif not is_classifier(model):
        raise ImportRefusedError(f"{name} predicts no classes, and {use_case.name} is a {use_case.task}.")
    elif not hasattr(model, "predict_proba"):
        raise ImportRefusedError(
            f"{name} gives no probabilities; wrap it in scikit-learn's CalibratedClassifierCV and train again."
        )


def _single_thread(model: Any) -> None:  # noqa: ANN401
    """Have sums of trees made in one order: several threads add them up as they come."""
    names = [name for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"]
    for name in names:
        model.set_params(**{name: 1})


def _steps(model: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
    return list(model.steps) if isinstance(model, Pipeline) else [("predict", model)]


def _takes_columns(model: Any) -> bool:  # noqa: ANN401
    first = _steps(model)[0][1]
    return isinstance(first, ColumnTransformer)


def _name(model: Any) -> str:  # noqa: ANN401
    return type(_steps(model)[-1][1]).__name__


def _of_nothing(answers: Floats) -> str:
    rows = int(np.isnan(answers).any(axis=1).sum())
    return f"The model answers NaN to {rows} of {len(answers)} held-out rows."


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
