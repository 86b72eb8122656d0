"""Fit a choice: its pipeline, its classes balanced, its probabilities calibrated."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from tabserve.core.errors import TabserveError, TrainingDataError
from tabserve.core.use_case import UseCase
from tabserve.training.balance import row_weights, with_made_up_rows
from tabserve.training.calibration import CalibratedModel, fit_calibrator
from tabserve.training.choice import Choice
from tabserve.training.dataset import LabelledRows
from tabserve.training.folds import out_of_fold
from tabserve.training.pipeline import SklearnModel, build_pipeline, frame_of
from tabserve.training.vocabulary import learned

ENOUGH_ANSWERS: Final = 20_000


def fit(use_case: UseCase, rows: LabelledRows, choice: Choice) -> SklearnModel:
    """Fit a new pipeline; classes are their places in the use case, so probabilities come in its order.

    Balance sees these rows alone, and is no part of the fitted pipeline. Calibration learns from what models of ten
    folds answer to rows they did not learn from. Raise TrainingDataError.
    """
    if choice.calibrated:
        plain = replace(choice, calibrated=False)
        answers, places = out_of_fold(use_case, rows, partial(fit, choice=plain), ENOUGH_ANSWERS)
        calibrator = fit_calibrator(answers, rows.targets[places])
        fitted = fit(use_case, rows, plain)
        return CalibratedModel(use_case, fitted.pipeline, fitted.vocabulary, calibrator)
    vocabulary = learned(use_case, rows.columns)
    pipeline = build_pipeline(use_case, vocabulary, choice)
    frame, targets = frame_of(use_case, rows.columns), rows.targets
    weights: Mapping[str, Any] = {}
    if choice.balance == "smote":
        frame, targets = with_made_up_rows(use_case, frame, targets)
    elif choice.balance == "class_weight":
        weights = {f"{pipeline.steps[-1][0]}__sample_weight": row_weights(targets)}
    try:
        pipeline.fit(frame, targets, **weights)
    except TabserveError:
        raise
    except Exception as error:  # of any library, about parameters or rows it does not take
        what = f"{choice.estimator} with {dict(choice.parameters)}" if choice.parameters else choice.estimator
        raise TrainingDataError(f"{use_case.name}: {what} cannot be fitted: {_first_line(error)}") from error
    return SklearnModel(use_case, pipeline, vocabulary)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
