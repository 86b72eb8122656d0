"""The search: the same folds for all, a budget that ends it, the simplest of the good ones, every attempt kept."""

import itertools
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tabserve.core.errors import TrainingDataError
from tabserve.core.training import Estimator
from tabserve.core.use_case import UseCase
from tabserve.training.choice import Choice
from tabserve.training.dataset import LabelledRows
from tabserve.training.distributions import USUAL, draws
from tabserve.training.search import Attempt, find, runs
from tests.definitions import CATALOG, RENTS
from tests.unit.training.test_folds import passengers

ROWS = passengers(200)
TRUTH = ROWS.columns["Fare"] > np.quantile(ROWS.columns["Fare"], 0.8)
LEARNABLE = LabelledRows((), ROWS.columns, TRUTH.astype(np.intp))


class Scorer:
    """Knows the truth and hides it behind as much noise as it is told to."""

    only_valid = False

    def __init__(self, noise: float) -> None:
        self.vocabulary: dict[str, tuple[str, ...]] = {}
        self._noise = noise

    def score(self, columns: Mapping[str, Any], rows: int) -> NDArray[np.float64]:
        fares = np.asarray(columns["Fare"]) / 500
        noisy = np.clip(fares + self._noise * np.sin(fares * 1e6), 0, 1)
        return np.stack((1 - noisy, noisy), axis=1)

    def export(self) -> bytes:
        raise NotImplementedError

    def save(self) -> dict[str, bytes]:
        raise NotImplementedError


class Fits:
    """Notes what it is asked to fit; parameters make no difference, estimators do."""

    def __init__(self, noise: Mapping[str, float], refused: Mapping[str, str] | None = None) -> None:
        self.asked: list[tuple[Choice, tuple[float, ...]]] = []
        self._noise = noise
        self._refused = refused or {}

    def __call__(self, use_case: UseCase, rows: LabelledRows, choice: Choice) -> Scorer:
        self.asked.append((choice, tuple(rows.columns["Fare"])))
        if choice.estimator in self._refused:
            raise TrainingDataError(self._refused[choice.estimator])
        return Scorer(self._noise[choice.estimator])


def titanic(*estimators: Estimator, **search: object) -> UseCase:
    training: dict[str, object] = {"estimator": estimators}
    if search:
        training["search"] = search
    return UseCase.model_validate(CATALOG.get("titanic").model_dump(mode="json") | {"training": training})


def test_without_a_choice_nothing_is_tried() -> None:
    fits = Fits({})
    found = find(CATALOG.get("titanic"), LEARNABLE, fits)
    assert (found.choice, found.attempts, fits.asked) == (Choice("logistic_regression"), (), [])


def test_candidates_are_measured_in_the_same_folds_inside_the_rows() -> None:
    fits = Fits({"random_forest": 0.1, "xgboost": 0.1, "logistic_regression": 0.1})
    find(titanic("random_forest", "xgboost", "logistic_regression"), LEARNABLE, fits)
    learned = {name: [rows for choice, rows in fits.asked if choice.estimator == name] for name in USUAL}
    assert learned["logistic_regression"] == learned["random_forest"] == learned["xgboost"]
    assert len(learned["xgboost"]) == 5
    assert all(len(rows) == 160 for rows in learned["xgboost"])


@pytest.mark.parametrize(
    ("noise", "taken"),
    [
        ({"logistic_regression": 0.11, "random_forest": 0.1}, "logistic_regression"),
        ({"logistic_regression": 0.5, "random_forest": 0.1}, "random_forest"),
    ],
)
def test_the_simplest_within_one_standard_error_of_the_best_is_taken(noise: dict[str, float], taken: str) -> None:
    found = find(titanic("random_forest", "logistic_regression"), LEARNABLE, Fits(noise))
    simple, best = found.candidates
    assert (simple.estimator, best.estimator) == ("logistic_regression", "random_forest")
    assert simple.cross_validated.value < best.cross_validated.value
    gap = best.cross_validated.value - simple.cross_validated.value
    assert (gap <= best.standard_error) is (taken == "logistic_regression")
    assert found.choice.estimator == taken
    assert [each.estimator for each in found.candidates if each.chosen] == [taken]


def test_a_search_draws_with_the_seed_and_begins_with_the_defaults() -> None:
    use_case = titanic("random_forest", "logistic_regression", iterations=3)
    fits = Fits({"random_forest": 0.1, "logistic_regression": 0.5})
    found = find(use_case, LEARNABLE, fits)
    again = find(use_case, LEARNABLE, Fits({"random_forest": 0.1, "logistic_regression": 0.5}))
    assert [each.choice for each in found.attempts] == [each.choice for each in again.attempts]
    assert [each.choice.estimator for each in found.attempts] == ["logistic_regression", "random_forest"] * 3
    assert [not each.choice.parameters for each in found.attempts] == [True, True, False, False, False, False]
    assert [each.attempts for each in found.candidates] == [3, 3]


def test_seconds_end_a_search_but_never_before_its_first_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr("tabserve.training.search.time.monotonic", lambda: float(next(ticks)))
    found = find(titanic("logistic_regression", seconds=0.5), LEARNABLE, Fits({"logistic_regression": 0.1}))
    assert [each.error for each in found.attempts] == [""]
    found = find(titanic("logistic_regression", seconds=12.5), LEARNABLE, Fits({"logistic_regression": 0.1}))
    assert [each.error for each in found.attempts][-1] == "the time of the search was up"
    assert found.choice == found.attempts[0].choice


def test_an_attempt_that_cannot_be_fitted_is_recorded_and_never_taken() -> None:
    fits = Fits({"logistic_regression": 0.4}, {"xgboost": "xgboost is not installed"})
    found = find(titanic("xgboost", "logistic_regression"), LEARNABLE, fits)
    assert found.choice.estimator == "logistic_regression"
    assert [each.estimator for each in found.candidates] == ["logistic_regression"]
    lines = [json.loads(line) for line in runs(found.attempts).splitlines()]
    assert [line["error"] for line in lines] == ["", "xgboost is not installed"]
    assert len(lines[0]["scores"]) == 5
    assert lines[0]["means"]["roc_auc"] == pytest.approx(np.mean(lines[0]["scores"]))
    assert lines[1]["choice"]["estimator"] == "xgboost"


def test_where_all_attempts_fail_the_first_reason_is_said() -> None:
    with pytest.raises(TrainingDataError, match="no candidate could be trained: no such depth"):
        find(titanic("xgboost", iterations=2), LEARNABLE, Fits({}, {"xgboost": "no such depth"}))


def test_every_attempt_is_watched() -> None:
    seen: list[tuple[int, int | None]] = []

    def watch(attempt: Attempt, done: int, most: int | None) -> None:
        assert attempt.number == done
        seen.append((done, most))

    fits = Fits({"logistic_regression": 0.1, "random_forest": 0.1})
    find(titanic("logistic_regression", "random_forest", iterations=2), LEARNABLE, fits, watch)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_attempt_without_a_value_in_a_fold_is_written_without_it() -> None:
    attempt = Attempt(1, Choice("ridge"), "roc_auc", (0.5, math.nan), {"roc_auc": 0.5}, 0.1)
    assert json.loads(runs([attempt]))["scores"] == [0.5, None]


@pytest.mark.parametrize("estimator", USUAL)
def test_usual_distributions_are_of_known_parameters_and_drawn_within_their_ends(estimator: Estimator) -> None:
    use_case = RENTS if estimator == "ridge" else titanic(estimator, iterations=2)
    for drawn in itertools.islice(draws(use_case, estimator), 50):
        for name, value in drawn.items():
            among = USUAL[estimator][name]
            if isinstance(among, tuple):
                assert value in among
            else:
                assert isinstance(value, int | float)
                assert among.low <= value <= among.high


def test_lists_end_and_ranges_of_the_definition_go_before_the_usual_ones() -> None:
    distributions = {"logistic_regression": {"C": [0.1, 1.0], "fit_intercept": [True, False]}}
    use_case = titanic("logistic_regression", iterations=99, distributions=distributions)
    drawn = list(draws(use_case, "logistic_regression"))
    assert {(each["C"], each["fit_intercept"]) for each in drawn} == {
        (0.1, True),
        (0.1, False),
        (1.0, True),
        (1.0, False),
    }
    assert len(drawn) == 4
    found = find(use_case, LEARNABLE, Fits({"logistic_regression": 0.1}))
    assert len(found.attempts) == 5


def test_parameters_that_the_definition_fixes_are_left_alone() -> None:
    settings = {"estimator": "random_forest", "parameters": {"max_depth": 3}, "search": {"iterations": 4}}
    use_case = UseCase.model_validate(CATALOG.get("titanic").model_dump(mode="json") | {"training": settings})
    found = find(use_case, LEARNABLE, Fits({"random_forest": 0.1}))
    assert {each.choice.parameters["max_depth"] for each in found.attempts} == {3}
