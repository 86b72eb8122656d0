"""Definitions and their candidates side by side: cross-validated and held-out measures, with their 95 % intervals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from tabserve.core.use_case import UseCase
from tabserve.registry.version import Metric
from tabserve.training import folds, search
from tabserve.training.choice import Choice
from tabserve.training.dataset import LabelledRows
from tabserve.training.model import Fit
from tabserve.training.tasks import task

REPEATS: Final = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """The measures of the models of a choice, by name; `taken` is the choice that training takes."""

    choice: Choice
    taken: bool
    cross_validated: Mapping[str, Metric]
    held_out: Mapping[str, Metric]


def candidates(
    use_case: UseCase,
    training: LabelledRows,
    held_out: LabelledRows,
    fit: Fit,
    progress: Callable[[str], None],
    watch: search.Watch = lambda *_: None,
    repeats: int = REPEATS,
) -> list[Figures]:
    """Measure the best choice of each candidate, the simplest candidate first."""
    found = search.find(use_case, training, fit, watch)
    tried = [replace(found.choice, estimator=each.estimator, parameters=each.parameters) for each in found.candidates]
    choices = [replace(each, calibrated=use_case.training.calibrate) for each in tried or [found.choice]]
    taken = found.choice.estimator
    return [
        figures(use_case, training, held_out, fit, choice, progress, taken=choice.estimator == taken, repeats=repeats)
        for choice in choices
    ]


def figures(
    use_case: UseCase,
    training: LabelledRows,
    held_out: LabelledRows,
    fit_choice: Fit,
    choice: Choice,
    progress: Callable[[str], None],
    *,
    taken: bool = True,
    repeats: int = REPEATS,
) -> Figures:
    """Measure ten folds of the rows to learn from, several times, then the held-out rows; choose thresholds inside."""
    fit = partial(fit_choice, choice=choice)
    found: list[dict[str, float]] = []
    for repeat in range(repeats):
        progress(f"{use_case.name}, {choice.estimator}: {folds.FOLDS} folds, {repeat + 1} of {repeats} times")
        for learned, others in folds.folds(use_case, training, repeat):
            found.append(_points(use_case, training.take(learned), training.take(others), fit))
    work = task(use_case, training, fit, progress)
    answers = fit(use_case, training).score(held_out.columns, len(held_out))
    cross_validated = {name: folds.corrected([each[name] for each in found]) for name in found[0]}
    measured = work.measures(answers, held_out.targets)
    return Figures(choice, taken, cross_validated, {str(name): metric for name, metric in measured.items()})


def _points(use_case: UseCase, learned: LabelledRows, others: LabelledRows, fit: folds.Fit) -> dict[str, float]:
    work = task(use_case, learned, fit, lambda _: None)
    return work.points(fit(use_case, learned).score(others.columns, len(others)), others.targets)
