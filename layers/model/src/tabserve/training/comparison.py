"""Definitions side by side: cross-validated and held-out measures, each with its 95 % interval."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import t

from tabserve.core.use_case import UseCase
from tabserve.registry.version import Metric
from tabserve.training.dataset import LabelledRows
from tabserve.training.folds import FOLDS, Fit, folds
from tabserve.training.tasks import task

REPEATS: Final = 10
INSIDE: Final = 0.975


@dataclass(frozen=True, slots=True)
class Figures:
    """The measures of a use case's models, by name."""

    cross_validated: Mapping[str, Metric]
    held_out: Mapping[str, Metric]


def figures(
    use_case: UseCase, training: LabelledRows, held_out: LabelledRows, fit: Fit, progress: Callable[[str], None]
) -> Figures:
    """Measure ten times ten folds of the rows to learn from, then the held-out rows; thresholds are chosen inside."""
    found: list[dict[str, float]] = []
    for repeat in range(REPEATS):
        progress(f"{use_case.name}: {FOLDS} folds, {repeat + 1} of {REPEATS} times")
        for learned, others in folds(use_case, training, repeat):
            found.append(_points(use_case, training.take(learned), training.take(others), fit))
    work = task(use_case, training, fit, progress)
    answers = fit(use_case, training).score(held_out.columns, len(held_out))
    cross_validated = {name: corrected([each[name] for each in found]) for name in found[0]}
    measured = work.measures(answers, held_out.targets)
    return Figures(cross_validated, {str(name): metric for name, metric in measured.items()})


def corrected(values: list[float]) -> Metric:
    """Return the mean over folds with the interval of the corrected resampled t-test (Nadeau and Bengio).

    Folds share most of the rows they learn from, so their variance alone would make the interval too narrow. Folds
    without a value, as of the area under a curve with one class only, are left out.
    """
    known = np.array([value for value in values if not math.isnan(value)])
    spread = math.sqrt((1 / len(known) + 1 / (FOLDS - 1)) * known.var(ddof=1))
    half = float(t.ppf(INSIDE, len(known) - 1)) * spread
    mean = float(known.mean())
    return Metric(value=mean, low=mean - half, high=mean + half)


def _points(use_case: UseCase, learned: LabelledRows, others: LabelledRows, fit: Fit) -> dict[str, float]:
    work = task(use_case, learned, fit, lambda _: None)
    return work.points(fit(use_case, learned).score(others.columns, len(others)), others.targets)
