"""Answers say the probability of what was predicted, and their reasons in points of it."""

from collections.abc import Mapping
from math import exp
from typing import Any

import httpx
import pytest

from ui import answers
from ui.api import ApiClient
from ui.settings import PageSettings

ENTRY = {
    "prediction_id": "p1",
    "prediction": 0,
    "label": "died",
    "probability": 0.2,
    "probabilities": {"0": 0.8, "1": 0.2},
}
TITANIC = {"name": "titanic", "features": [{"name": "Age"}, {"name": "Fare"}]}
EXPLANATION = {"model_version": "v1", "scale": "probability", "effects": []}


def api(routes: dict[str, tuple[int, Any]]) -> ApiClient:
    def answer(request: httpx.Request) -> httpx.Response:
        status, body = routes[request.url.path]
        return httpx.Response(status, json=body)

    return ApiClient(PageSettings("http://api.test", "key", "", ""), httpx.MockTransport(answer))


def explained(probability: float, effects: Mapping[str, float], scale: str = "log_odds") -> dict[str, Any]:
    listed = [{"feature": name, "value": 1, "effect": effect} for name, effect in effects.items()]
    return {"probability": probability, "typical_probability": 0.4, "scale": scale, "effects": listed}


def test_the_probability_is_that_of_the_prediction() -> None:
    answer = answers.ask(
        api({"/predict": (200, {"predictions": [ENTRY], "model_version": "v1"}), "/explain": (200, EXPLANATION)}),
        "titanic",
        {"Age": 3},
    )
    assert (answer.id, answers.probability_of(answer.entry)) == ("p1", 0.8)


@pytest.mark.parametrize(("version", "is_explained"), [("v1", True), ("v0", False)])
def test_a_stored_answer_is_explained_by_its_own_version_only(version: str, is_explained: bool) -> None:
    stored = ENTRY | {"features": {"Age": 3, "Fare": None}, "model_version": version}
    found = api({"/past-predictions": (200, {"predictions": [stored]}), "/explain": (200, EXPLANATION)})
    answer = answers.find(found, TITANIC, "p1")
    assert answer is not None
    assert answer.record == {"Age": 3}
    assert (answer.explanation is not None) == is_explained


@pytest.mark.parametrize("reply", [(200, {"predictions": []}), (422, {"detail": "no id", "errors": []})])
def test_what_is_not_stored_is_not_found(reply: tuple[int, Any]) -> None:
    assert answers.find(api({"/past-predictions": reply}), TITANIC, "p1") is None


def test_effects_in_log_odds_share_out_the_way_they_come() -> None:
    def curve(log_odds: float) -> float:
        return 1 / (1 + exp(-log_odds))

    points = answers.in_points(explained(curve(2.0), {"Age": 3.0, "Fare": -1.5}), classes=2)
    assert sum(points.values()) == pytest.approx(curve(2.0) - curve(0.5))
    assert points["Age"] == pytest.approx(-2 * points["Fare"])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("probability", [1e-12, 0.5, 1 - 1e-12, 1.0])
@pytest.mark.parametrize("effects", [{}, {"Age": 2.0, "Fare": -2.0}, {"Age": 50.0}, {"Age": -1e-9}])
def test_points_are_never_more_than_all_and_keep_their_sign(
    classes: int, probability: float, effects: dict[str, float]
) -> None:
    points = answers.in_points(explained(probability, effects), classes)
    assert all(points[name] * effect >= 0 for name, effect in effects.items())
    assert abs(sum(points.values())) <= 1


def test_effects_in_probability_are_points_already() -> None:
    assert answers.in_points(explained(0.7, {"Age": 0.3}, "probability"), classes=2) == {"Age": 0.3}
