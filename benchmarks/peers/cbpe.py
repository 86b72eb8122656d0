"""Write NannyML's estimates for a few windows, as what tabserve's are tested against; runs in NannyML's environment."""

import json
import sys
import warnings

import nannyml as nml
import numpy as np
import pandas as pd

METRICS = ["accuracy", "precision", "recall", "f1"]
ROWS, WINDOWS, REFERENCE = 300, 3, 1_000


def case(seed, overconfidence):
    """Draw rows whose probabilities are honest or too extreme, and estimate the performance of later windows."""
    rng = np.random.default_rng(seed)
    total = REFERENCE + ROWS * WINDOWS
    honest = rng.beta(1.2, 1.8, total).round(3)
    real = rng.random(total) < honest
    shown = np.clip((honest - 0.5) * overconfidence + 0.5, 0.001, 0.999).round(3)
    frame = pd.DataFrame({"p": shown, "predicted": (shown >= 0.5).astype(int), "actual": real.astype(int)})
    estimator = nml.CBPE(
        y_pred_proba="p",
        y_pred="predicted",
        y_true="actual",
        problem_type="classification_binary",
        metrics=METRICS,
        chunk_size=ROWS,
    )
    estimator.fit(frame[:REFERENCE])
    analysis = frame[REFERENCE:].reset_index(drop=True)
    found = estimator.estimate(analysis).filter(period="analysis").to_df()
    return {
        "reference": {"p": shown[:REFERENCE].tolist(), "actual": real[:REFERENCE].astype(int).tolist()},
        "windows": analysis["p"].to_numpy().reshape(WINDOWS, ROWS).tolist(),
        "estimates": {metric: found[(metric, "value")].tolist() for metric in METRICS},
        "calibrated": bool(estimator.needs_calibration),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    json.dump({"nannyml": nml.__version__, "cases": [case(1, 1.0), case(2, 1.6)]}, sys.stdout)
    print()
