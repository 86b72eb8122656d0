"""Decisions: which class is answered to which probabilities, and how a threshold is chosen."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tabserve.core.target import Decision
from tabserve.core.use_case import UseCase

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Decide = Callable[[Floats], Places]

CENTRE: Final = 0.5
NOBODY: Final = 1.0 + 1e-9  # above every probability


def likelier(probabilities: Floats) -> Places:
    """Return the place of the most probable class of each row; the first one where several are."""
    places: Places = probabilities.argmax(axis=1)
    return places


def decider(positive: int | None, threshold: float | None) -> Decide:
    """Return how classes are answered: the positive one from a threshold on, or else the likelier one."""
    if positive is None or threshold is None:
        return likelier
    return lambda probabilities: np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)


def is_chosen(use_case: UseCase) -> bool:
    """Whether training chooses the threshold."""
    decision = use_case.decision
    return decision is not None and (decision == "max_f1" or decision.cost is not None)


def best_threshold(decision: Decision | str, scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Return the threshold that costs least, or has the best F1, on rows that the scores' models did not learn from.

    It lies in the middle between two scores that were seen, and of equally good ones next to a half.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # rows of one score are accepted together
    true = np.concatenate(([0], np.cumsum(positive[order])[ends]))
    false = np.concatenate(([0], np.cumsum(~positive[order])[ends]))
    distinct = np.concatenate(([NOBODY], scores[order][ends], [0.0]))
    thresholds = (distinct[:-1] + distinct[1:]) / 2
    missed = positive.sum() - true
    if isinstance(decision, Decision) and decision.cost is not None:
        goodness = -(decision.cost.false_positive * false + decision.cost.false_negative * missed)
    else:
        goodness = 2 * true / np.maximum(1, 2 * true + false + missed)
    best = thresholds[goodness == goodness.max()]
    return float(best[np.argmin(np.abs(best - CENTRE))])
