"""The search for the best candidate: cross-validated inside the rows to learn from, within a budget, with a seed."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np

from tabserve.core.errors import TrainingDataError
from tabserve.core.training import MetricName, Search
from tabserve.core.use_case import UseCase
from tabserve.registry.version import Candidate
from tabserve.training.choice import Choice, first_choices
from tabserve.training.dataset import LabelledRows
from tabserve.training.distributions import draws
from tabserve.training.evaluation import LOWER_IS_BETTER, measured
from tabserve.training.folds import Places, corrected, folds, standard_error
from tabserve.training.model import Fit

COMPARISON: Final = Search(iterations=1)  # of candidates that are compared as they are


@dataclass(frozen=True, slots=True)
class Attempt:
    """One choice and what it was worth in each fold; with an error where it was worth nothing."""

    number: int
    choice: Choice
    measure: MetricName
    scores: tuple[float, ...]
    means: Mapping[str, float]
    seconds: float
    error: str = ""

    @property
    def goodness(self) -> float:
        """The mean of what is compared, larger for better ones; below all others with an error."""
        if self.error:
            return -math.inf
        mean = self.means[self.measure]
        return -mean if self.measure in LOWER_IS_BETTER else mean


@dataclass(frozen=True, slots=True)
class Found:
    """What is trained, and what was tried before: nothing where there was no choice."""

    choice: Choice
    candidates: tuple[Candidate, ...] = ()
    attempts: tuple[Attempt, ...] = ()


Watch = Callable[[Attempt, int, int | None], None]  # an attempt, how many there were, how many there will be at most


def find(use_case: UseCase, rows: LabelledRows, fit: Fit, watch: Watch = lambda *_: None) -> Found:
    """Return the simplest candidate within one standard error of the best; raise TrainingDataError where all fail.

    All attempts are measured in the same folds. The first attempt is finished even where the budget's seconds
    are over before.
    """
    first = first_choices(use_case)
    settings = use_case.training.search
    if len(first) == 1 and settings is None:
        return Found(first[0])
    search = settings or COMPARISON
    attempts: list[Attempt] = []
    most = search.iterations and search.iterations * len(first)
    course = _Course(use_case, search, rows, fit)
    for choice in _choices(use_case, first, search.iterations):
        if attempts and course.is_over():
            break
        attempts.append(course.attempt(len(attempts) + 1, choice))
        watch(attempts[-1], len(attempts), most)
    return _found(use_case, search, attempts)


def runs(attempts: Sequence[Attempt]) -> bytes:
    """Return attempts as lines of JSON."""
    lines = ({**asdict(each), "scores": [_known(score) for score in each.scores]} for each in attempts)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _choices(use_case: UseCase, first: Sequence[Choice], iterations: int | None) -> Iterator[Choice]:
    """Yield the candidates in turns: as they are, then with drawn parameters, until no list has any left."""
    yield from first
    if use_case.training.search is None:
        return
    drawn = {each.estimator: draws(use_case, each.estimator) for each in first}
    turn = 1
    while drawn and (iterations is None or turn < iterations):
        for choice in first:
            parameters = next(drawn.get(choice.estimator, iter(())), None)
            if parameters is None:
                drawn.pop(choice.estimator, None)
            else:
                yield replace(choice, parameters={**choice.parameters, **parameters})
        turn += 1


class _Course:
    """The folds and the time that attempts have in common."""

    def __init__(self, use_case: UseCase, search: Search, rows: LabelledRows, fit: Fit) -> None:
        self._use_case, self._rows, self._fit = use_case, rows, fit
        self._measure: MetricName = search.measure or ("rmse" if use_case.is_regression else "roc_auc")
        self._folds = list(folds(use_case, rows, count=search.folds))
        self._ends = time.monotonic() + (search.seconds or math.inf)

    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def attempt(self, number: int, choice: Choice) -> Attempt:
        started = time.monotonic()
        found: list[dict[str, float]] = []
        error = ""
        try:
            for learned, others in self._folds:
                if number > 1 and self.is_over():
                    error = "the time of the search was up"
                    break
                found.append(self._measured(choice, learned, others))
        except TrainingDataError as refused:
            error = str(refused)
        scores = tuple(each[self._measure] for each in found)
        if not error and not any(map(math.isfinite, scores)):
            error = f"{self._measure} has no value in any fold"
        means = {} if error else {name: _mean([each[name] for each in found]) for name in found[0]}
        seconds = round(time.monotonic() - started, 3)
        return Attempt(number, choice, self._measure, scores, means, seconds, error)

    def _measured(self, choice: Choice, learned: Places, others: Places) -> dict[str, float]:
        left_out = self._rows.take(others)
        fitted = self._fit(self._use_case, self._rows.take(learned), choice)
        return measured(self._use_case, fitted.score(left_out.columns, len(left_out)), left_out.targets)


def _found(use_case: UseCase, search: Search, attempts: Sequence[Attempt]) -> Found:
    best = max(attempts, key=lambda attempt: attempt.goodness)
    if best.error:
        raise TrainingDataError(f"{use_case.name}: no candidate could be trained: {best.error}")
    by_estimator = [[each for each in attempts if each.choice.estimator == name] for name in use_case.candidates]
    tried = [max(each, key=lambda attempt: attempt.goodness) for each in by_estimator]
    enough = best.goodness - standard_error(best.scores, search.folds)
    taken = next(each for each in tried if each.goodness >= enough)  # the simplest come first
    candidates = tuple(
        Candidate(
            estimator=top.choice.estimator,
            parameters=top.choice.parameters,
            measure=top.measure,
            cross_validated=corrected(top.scores, search.folds),
            standard_error=standard_error(top.scores, search.folds),
            attempts=len(all_of_it),
            failed=sum(bool(each.error) for each in all_of_it),
            seconds=round(sum(each.seconds for each in all_of_it), 3),
            chosen=top is taken,
        )
        for top, all_of_it in zip(tried, by_estimator, strict=True)
        if not top.error
    )
    return Found(taken.choice, candidates, tuple(attempts))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
