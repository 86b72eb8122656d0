"""Definitions side by side."""

import math

import numpy as np
import pytest
from scipy.stats import t

from tabserve.training.choice import first_choices
from tabserve.training.comparison import figures
from tabserve.training.fitting import fit
from tabserve.training.folds import corrected, folds
from tests.definitions import CATALOG
from tests.model.conftest import rows_of

IRIS = CATALOG.get("iris")


def test_the_interval_knows_that_folds_share_rows() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.05, 100).tolist()
    found = corrected([*values, math.nan])
    assert found.value == pytest.approx(np.mean(values))
    naive = t.ppf(0.975, 99) * np.std(values, ddof=1) / 10
    assert (found.high - found.low) / 2 == pytest.approx(naive * math.sqrt(1 + 100 / 9))


def test_folds_leave_out_every_row_once_and_share_out_each_class() -> None:
    rows = rows_of("iris").training
    found = list(folds(IRIS, rows))
    assert sorted(np.concatenate([others for _, others in found])) == list(range(len(rows)))
    assert all(not set(learned) & set(others) for learned, others in found)
    counts = [np.bincount(rows.targets[others], minlength=3) for _, others in found]
    assert np.ptp(counts, axis=0).max() <= 1
    again = list(folds(IRIS, rows, repeat=1))
    assert any(set(others) != set(others_again) for (_, others), (_, others_again) in zip(found, again, strict=True))


def test_figures_are_cross_validated_and_of_the_held_out_rows() -> None:
    rows = rows_of("iris")
    said: list[str] = []
    found = figures(IRIS, rows.training, rows.held_out, fit, first_choices(IRIS)[0], said.append)
    assert list(found.cross_validated) == list(found.held_out) == ["accuracy", "roc_auc", "brier", "log_loss"]
    assert found.cross_validated["accuracy"].value == pytest.approx(0.95, abs=0.03)
    assert all(metric.low <= metric.value <= metric.high for metric in found.cross_validated.values())
    assert len(said) == 10
