"""Releases over HTTP: who may move what, what was moved meanwhile, what nobody may say, and the card."""

from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tabserve.core.errors import IncompatibleModelError
from tabserve.serving.trial import ScoringCount
from tests.fakes.predictions import FakePredictions
from tests.fakes.registry import UnloadedRegistry
from tests.unit.serving.test_document import CARD

OLD, NEW = "20260101T000000Z-00000000", "20260102T000000Z-11111111"
UNKNOWN = "20260103T000000Z-22222222"
PATH = "/use-cases/titanic/release"
PROMOTE = {"action": "promote", "version": NEW, "by": "Ann", "reason": "better", "expected": 1}


@pytest.fixture(autouse=True)
def versions(registry: UnloadedRegistry) -> None:
    registry.add(CARD.model_copy(update={"version": OLD}))
    registry.add(CARD.model_copy(update={"version": NEW}), card_html=b"<h1>New</h1>")
    registry.point("titanic", "champion", OLD)
    registry.point("titanic", "challenger", NEW)


def test_a_promotion_is_told_with_who_and_why(client: TestClient) -> None:
    before = client.get(PATH).json()
    assert (before["champion"], before["challenger"], before["trial"], before["number"]) == (OLD, NEW, None, 1)
    moved = client.post(PATH, json=PROMOTE | {"by": " Ann ", "expected": before["number"]})
    assert moved.status_code == 200
    after = client.get(PATH).json()
    assert (after["champion"], after["number"]) == (NEW, 2)
    assert [moved.json(), *before["moves"]] == after["moves"]
    last = after["moves"][0]
    assert after["before"] == OLD
    assert (last["action"], last["previous"], last["by"], last["reason"]) == ("promote", OLD, "Ann", "better")


def test_who_comes_second_is_told_what_changed_and_changes_nothing(client: TestClient) -> None:
    client.post(PATH, json=PROMOTE)
    second = client.post(PATH, json={**PROMOTE, "action": "retire", "by": "Bob", "version": None})
    assert second.status_code == 409
    assert f"{NEW} became champion in place of {OLD} by Ann" in second.json()["detail"]
    assert client.get(PATH).json()["number"] == 2


def test_a_trial_starts_changes_and_stops(client: TestClient) -> None:
    asked = PROMOTE | {"action": "canary", "share": 0.1}
    assert client.post(PATH, json=asked).json()["trial"] == {"kind": "canary", "version": NEW, "share": 0.1}
    wider = client.post(PATH, json=asked | {"share": 0.5, "expected": 2}).json()
    assert (wider["champion"], wider["trial"]["share"]) == (OLD, 0.5)
    stop = {"action": "stop", "by": "Ann", "reason": "enough", "expected": 3}
    assert client.post(PATH, json=stop).json()["trial"] is None
    refused = client.post(PATH, json=stop | {"expected": 4})
    assert (refused.status_code, refused.json()["detail"]) == (422, "titanic has no shadow and no canary to stop.")


def test_a_retired_use_case_is_still_told_and_can_come_back(client: TestClient) -> None:
    retire = {"action": "retire", "by": "Ann", "reason": "season is over", "expected": 1}
    assert client.post(PATH, json=retire).json()["retired"] is True
    assert client.get(PATH).json()["retired"] is True
    back = client.post(PATH, json=PROMOTE | {"version": OLD, "expected": 2}).json()
    assert (back["champion"], back["retired"]) == (OLD, False)


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"version": UNKNOWN}, 404, f"titanic has no version {UNKNOWN}"),
        ({"version": OLD}, 422, "is champion of titanic already"),
        ({"version": "../../x"}, 422, "version"),
        ({"version": None}, 422, "version is required to promote"),
        ({"share": 0.5}, 422, "share says nothing to promote"),
        ({"action": "canary"}, 422, "share is required to canary"),
        ({"action": "canary", "share": 1.5}, 422, "share"),
        ({"action": "delete"}, 422, "action"),
        ({"by": ""}, 422, "by"),
        ({"by": "   "}, 422, "by"),
        ({"reason": "x" * 501}, 422, "reason"),
        ({"reason": "a\nb"}, 422, "reason"),
        ({"reason": "\u202eevil"}, 422, "reason"),
        ({"expected": None}, 422, "expected"),
        ({"expected": True}, 422, "expected"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    client: TestClient, change: dict[str, Any], status: int, said: str
) -> None:
    refused = client.post(PATH, json=PROMOTE | change)
    assert refused.status_code == status
    assert said in refused.json()["detail"]
    assert client.get(PATH).json()["number"] == 1


@pytest.mark.parametrize("name", ["tulips", "..", "a%2Fb"])
def test_a_use_case_that_nobody_knows_is_unknown(client: TestClient, name: str) -> None:
    assert client.get(f"/use-cases/{name}/release").status_code == 404
    assert client.post(f"/use-cases/{name}/release", json=PROMOTE).status_code in {404, 405}


def test_a_version_that_cannot_be_loaded_is_not_promoted(
    client: TestClient, registry: UnloadedRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        raise IncompatibleModelError("'model.onnx' is not the file that was registered.")

    monkeypatch.setattr(registry, "load", load)
    refused = client.post(PATH, json=PROMOTE)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:tabserve:problem:not-released")
    assert refused.json()["detail"] == "'model.onnx' is not the file that was registered. The champion stays."


def test_the_card_is_a_document_without_script(client: TestClient) -> None:
    card = client.get(f"/models/{NEW}/card?use_case=titanic")
    assert card.text == "<h1>New</h1>"
    assert card.headers["content-type"].startswith("text/html")
    assert card.headers["content-security-policy"].startswith("default-src 'none'")
    assert "script-src" not in card.headers["content-security-policy"]
    assert "sandbox" in card.headers["content-security-policy"]


def test_versions_without_a_card_say_how_to_get_one(client: TestClient) -> None:
    older = client.get(f"/models/{OLD}/card?use_case=titanic")
    assert (older.status_code, "Train it again" in older.json()["detail"]) == (404, True)
    assert client.get(f"/models/{UNKNOWN}/card?use_case=titanic").status_code == 404
    assert client.get("/models/x/card?use_case=titanic").status_code == 422
    assert client.get(f"/models/{NEW}/card").status_code == 422


def test_a_running_trial_is_told_with_how_both_score(client: TestClient, predictions: FakePredictions) -> None:
    started = client.post(PATH, json=PROMOTE | {"action": "shadow"}).json()
    at = datetime.fromisoformat(started["at"])
    champion = ScoringCount("titanic", 2, "champion", OLD, 0.001, 9, 0, 90, 0.009)
    shadow = ScoringCount("titanic", 2, "shadow", NEW, 0.002, 9, 1, 90, 0.018)
    before = ScoringCount("titanic", 1, "canary", NEW, 0.002, 7, 7, 7, 0.1)
    predictions.add_scoring([champion, shadow, before], at.replace(second=0, microsecond=0))

    told = client.get(PATH).json()["scoring"]
    assert [(each["role"], each["version"], each["calls"], each["failures"], each["records"]) for each in told] == [
        ("champion", OLD, 9, 0, 90),
        ("shadow", NEW, 9, 1, 90),
    ]
    assert told[0]["median"] <= told[0]["p95"] <= 0.001 < told[1]["p95"]

    predictions.unavailable = True
    assert client.get(PATH).json()["scoring"] == []
    stop = {"action": "stop", "by": "Ann", "reason": "enough", "expected": 2}
    assert client.post(PATH, json=stop).status_code == 200
