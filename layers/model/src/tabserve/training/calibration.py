"""Calibration: probabilities corrected by what rows that were not learned from show (Platt's sigmoid).

It is scikit-learn's CalibratedClassifierCV, prefit on out-of-fold answers. It takes the log odds of each class, as it
would take them from a model that gives them: a model that is calibrated already stays as it is.
"""

import io
from dataclasses import dataclass
from typing import Final, Self

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from tabserve.core.errors import TrainingDataError
from tabserve.core.use_case import UseCase
from tabserve.registry.version import PIPELINE
from tabserve.training.onnx_calibration import with_sigmoids
from tabserve.training.pipeline import Columns, SklearnModel
from tabserve.training.vocabulary import Vocabulary

Floats = NDArray[np.float64]
SMALLEST: Final = 1e-6  # probabilities below, or as near to 1, count as this: odds stay finite


def log_odds(probabilities: Floats) -> Floats:
    """Return the logarithm of the odds of probabilities."""
    kept = np.clip(probabilities, SMALLEST, 1 - SMALLEST)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A sigmoid a class, or one of the second class where there are two: slopes and intercepts of the log odds."""

    slopes: Floats
    intercepts: Floats

    def correct(self, probabilities: Floats) -> Floats:
        """Return corrected probabilities; both have the shape (rows, classes)."""
        two = probabilities.shape[1] == 2
        taken = probabilities[:, 1:] if two else probabilities
        corrected = 1 / (1 + np.exp(-(log_odds(taken) * self.slopes + self.intercepts)))
        if two:
            return np.concatenate([1 - corrected, corrected], axis=1)
        whole: Floats = corrected / corrected.sum(axis=1, keepdims=True)
        return whole


class LogOdds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose decision is what it is given."""

    def fit(self, odds: Floats, targets: NDArray[np.intp]) -> Self:
        """Note the classes."""
        self.classes_ = np.unique(targets)
        self.n_features_in_ = odds.shape[1]
        return self

    def decision_function(self, odds: Floats) -> Floats:
        """Return the odds, of shape (rows,) where there is one column of them."""
        return odds[:, 0] if odds.shape[1] == 1 else odds

    def predict(self, odds: Floats) -> NDArray[np.intp]:
        """Return the likelier classes."""
        places = odds[:, 0] > 0 if odds.shape[1] == 1 else odds.argmax(axis=1)
        predicted: NDArray[np.intp] = self.classes_[places.astype(np.intp)]
        return predicted


def fit_calibrator(probabilities: Floats, targets: NDArray[np.intp]) -> Calibrator:
    """Learn sigmoids from out-of-fold probabilities; raise TrainingDataError where a class has no row."""
    classes = probabilities.shape[1]
    if len(np.unique(targets)) < classes:
        raise TrainingDataError("`calibrate` needs rows of every class in the folds; give more rows, or leave it out.")
    odds = log_odds(probabilities[:, 1:] if classes == 2 else probabilities)
    prefit = FrozenEstimator(LogOdds().fit(odds, targets))
    every = np.arange(len(targets))
    calibrated = CalibratedClassifierCV(prefit, method="sigmoid", cv=[(every, every)], ensemble=False)
    (found,) = calibrated.fit(odds, targets).calibrated_classifiers_
    slopes = np.array([-each.a_ for each in found.calibrators])
    return Calibrator(slopes, np.array([-each.b_ for each in found.calibrators]))


class CalibratedPipeline(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted pipeline whose probabilities are corrected."""

    def __init__(self, pipeline: Pipeline, calibrator: Calibrator) -> None:
        self.pipeline = pipeline
        self.calibrator = calibrator
        self.classes_ = pipeline.classes_

    def predict_proba(self, frame: object) -> Floats:
        """Return corrected probabilities."""
        return self.calibrator.correct(self.pipeline.predict_proba(frame))

    def predict(self, frame: object) -> NDArray[np.intp]:
        """Return the likelier classes."""
        places: NDArray[np.intp] = self.classes_[self.predict_proba(frame).argmax(axis=1)]
        return places


class CalibratedModel(SklearnModel):
    """A model whose probabilities are corrected, in the pipeline as in the export."""

    def __init__(self, use_case: UseCase, pipeline: Pipeline, vocabulary: Vocabulary, calibrator: Calibrator) -> None:
        super().__init__(use_case, pipeline, vocabulary)
        self.calibrator = calibrator

    def score(self, columns: Columns, rows: int) -> Floats:
        """Return corrected probabilities, of shape (rows, classes)."""
        return self.calibrator.correct(super().score(columns, rows))

    def save(self) -> dict[str, bytes]:
        """Return pipeline and calibration as a file that joblib writes."""
        stream = io.BytesIO()
        joblib.dump(CalibratedPipeline(self.pipeline, self.calibrator), stream)
        return {PIPELINE: stream.getvalue()}

    def export(self) -> bytes:
        """Return pipeline and calibration as an ONNX model."""
        return with_sigmoids(super().export(), self.calibrator.slopes, self.calibrator.intercepts, SMALLEST)
