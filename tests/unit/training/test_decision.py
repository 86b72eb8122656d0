"""Thresholds: chosen by brute force, and used by everything that depends on the decision."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tabserve.core.target import Cost, Decision
from tabserve.training.decision import best_threshold, decider

SCORES = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=40)


def table(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score / 20 for score, _ in rows]), np.array([positive for _, positive in rows])


@given(SCORES, st.integers(1, 9), st.integers(1, 9))
def test_no_other_threshold_costs_less(rows: list[tuple[int, bool]], false_positive: int, false_negative: int) -> None:
    scores, positive = table(rows)

    def cost(threshold: float) -> float:
        claimed = scores >= threshold
        return float(false_positive * (claimed & ~positive).sum() + false_negative * (~claimed & positive).sum())

    decision = Decision(cost=Cost(false_positive=false_positive, false_negative=false_negative))
    chosen = best_threshold(decision, scores, positive)
    assert cost(chosen) == min(cost(threshold) for threshold in [*scores, 1.01])


@given(SCORES)
def test_no_other_threshold_has_a_better_f1(rows: list[tuple[int, bool]]) -> None:
    scores, positive = table(rows)
    chosen = best_threshold("max_f1", scores, positive)
    found = [f1_score(positive, scores >= threshold, zero_division=0) for threshold in [*scores, 1.01]]
    assert f1_score(positive, scores >= chosen, zero_division=0) == pytest.approx(max(found))


def test_of_equally_good_thresholds_the_one_next_to_a_half_is_chosen() -> None:
    assert best_threshold("max_f1", np.array([0.1, 0.9]), np.array([False, True])) == 0.5


@pytest.mark.parametrize(("positive", "expected"), [(1, [0, 1, 1]), (0, [0, 0, 1])])
def test_the_positive_class_is_answered_from_the_threshold_on(positive: int, expected: list[int]) -> None:
    probabilities = np.array([[0.8, 0.2], [0.7, 0.3], [0.1, 0.9]])
    threshold = 0.3 if positive == 1 else 0.7
    assert decider(positive, threshold)(probabilities).tolist() == expected


def test_without_a_threshold_the_likelier_class_is_answered() -> None:
    assert decider(1, None)(np.array([[0.5, 0.5], [0.4, 0.6]])).tolist() == [0, 1]
