import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from tabserve.reference.calibration import Calibration, calibration_error


@pytest.mark.parametrize("seed", range(20))
def test_isotonic_calibration_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = np.round(rng.random(200), 2)
    outcomes = (rng.random(200) < probabilities**2).astype(float)
    unseen = np.linspace(-0.1, 1.1, 301)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(probabilities, outcomes).predict(unseen)
    assert Calibration.isotonic(probabilities, outcomes)(unseen) == pytest.approx(theirs, abs=1e-6)


def test_overconfident_probabilities_are_corrected_and_honest_ones_left_alone() -> None:
    rng = np.random.default_rng(1)
    honest = rng.beta(2, 2, 4_000)
    outcomes = (rng.random(4_000) < honest).tolist()
    overconfident = np.clip((honest - 0.5) * 3 + 0.5, 0, 1)

    assert Calibration.of(honest.tolist(), outcomes) == Calibration()
    corrected = Calibration.of(overconfident.tolist(), outcomes)(overconfident)
    assert calibration_error(corrected, np.array(outcomes, dtype=float)) < 0.02


def test_calibration_survives_json() -> None:
    calibration = Calibration((0.1, 0.9), (0.2, 0.7))
    assert Calibration.from_dict(calibration.to_dict()) == calibration
