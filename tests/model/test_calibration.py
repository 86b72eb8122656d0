"""Calibration: as scikit-learn calibrates, as well calibrated as promised, and the same in the export."""

import io
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import _SigmoidCalibration
from sklearn.metrics import brier_score_loss

from tabserve.core.errors import TrainingDataError
from tabserve.core.folder import FolderStore
from tabserve.registry.store import Registry
from tabserve.registry.version import PIPELINE
from tabserve.training.calibration import fit_calibrator, log_odds
from tabserve.training.choice import Choice
from tabserve.training.fitting import fit
from tabserve.training.pipeline import frame_of
from tabserve.training.service import train
from tests.definitions import CATALOG
from tests.model.conftest import dependencies, rows_of
from tests.model.test_training import with_training


@pytest.mark.parametrize("name", ["titanic", "penguins"])
def test_a_calibrated_version_answers_like_its_pipeline(name: str, tmp_path: Path) -> None:
    registry, rows = Registry(FolderStore(tmp_path)), rows_of(name)
    use_case = with_training(CATALOG.get(name), calibrate=True, acceptance={})
    metadata = train(use_case, rows, dependencies(registry)).metadata
    assert metadata.chosen is not None
    assert metadata.chosen.calibrated
    assert metadata.parity.differing_classes == 0
    assert metadata.parity.max_difference < 1e-12
    saved = joblib.load(io.BytesIO(registry.file(name, metadata.version, PIPELINE)))
    served = registry.load(use_case, metadata.version).score(rows.held_out.columns, len(rows.held_out))

    def frame() -> pd.DataFrame:  # pipelines change what they are given
        return frame_of(use_case, rows.held_out.columns)

    np.testing.assert_allclose(served, saved.predict_proba(frame()), rtol=0, atol=1e-12)
    np.testing.assert_allclose(served.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert list(saved.predict(frame())) == list(served.argmax(axis=1))


def test_probabilities_that_balance_has_bent_are_put_right() -> None:
    use_case, rows = CATALOG.get("titanic"), rows_of("titanic").training
    generator = np.random.default_rng(0)
    rare = np.flatnonzero(rows.targets == 1)
    rows = rows.take(np.concatenate([np.flatnonzero(rows.targets == 0), generator.permutation(rare)[:100]]))
    share = float(np.mean(rows.targets))
    bent = fit(use_case, rows, Choice("logistic_regression", balance="class_weight"))
    right = fit(use_case, rows, Choice("logistic_regression", balance="class_weight", calibrated=True))
    before, after = (model.score(rows.columns, len(rows))[:, 1] for model in (bent, right))
    assert abs(before.mean() - share) > 0.1
    assert abs(after.mean() - share) < 0.02
    assert brier_score_loss(rows.targets, after) < brier_score_loss(rows.targets, before)
    assert list(np.argsort(after, kind="stable")) == list(np.argsort(before, kind="stable"))


def test_sigmoids_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    odds = generator.normal(size=(500, 3))
    probabilities = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    targets = np.array([generator.choice(3, p=row) for row in probabilities**2 / (probabilities**2).sum(1)[:, None]])
    calibrator = fit_calibrator(probabilities, targets)
    for place in range(3):
        theirs = _SigmoidCalibration().fit(log_odds(probabilities)[:, place], (targets == place).astype(float))
        assert (calibrator.slopes[place], calibrator.intercepts[place]) == pytest.approx((-theirs.a_, -theirs.b_))
    two = fit_calibrator(probabilities[:, :2] / probabilities[:, :2].sum(axis=1, keepdims=True), targets.clip(max=1))
    assert two.slopes.shape == (1,)


def test_certain_probabilities_stay_numbers() -> None:
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.4, 0.6]])
    calibrator = fit_calibrator(probabilities, np.array([0, 1, 0, 1]))
    assert np.isfinite(calibrator.correct(probabilities)).all()


def test_a_class_without_rows_is_refused_with_the_remedy() -> None:
    with pytest.raises(TrainingDataError, match="`calibrate` needs rows of every class"):
        fit_calibrator(np.full((10, 3), 1 / 3), np.array([0, 1] * 5))
