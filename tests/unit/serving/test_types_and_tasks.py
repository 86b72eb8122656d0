"""The API for features of every type, and for numbers as answers."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from functions.predict import queue
from tabserve.core.limits import FileFormat
from tabserve.reference.calibration import Calibration
from tabserve.reference.profile import CategoricalProfile, NumericProfile, Profile
from tabserve.reference.reference import Reference
from tests.definitions import DERIVED_OF_TRIP, RENT, RENTS, TRIP, TRIPS
from tests.fakes.catalog import FakeCatalog
from tests.fakes.models import FakeModels, FakeReferences
from tests.fakes.predictions import FakePredictions, FakeQueue

Post = Callable[[object], tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def _known(app_module: Any, references: FakeReferences) -> None:
    state = app_module.app.state
    known = FakeCatalog([TRIPS, RENTS])
    deps = replace(state.service.deps, catalog=known, models=FakeModels(catalog=known))
    state.service = replace(state.service, deps=deps)
    profile = Profile(
        4,
        {
            "area": NumericProfile.of([20.0, 40.0, 60.0, 80.0]),
            "district": CategoricalProfile(0, 0, {"north": 2, "south": 2}),
            "lift": CategoricalProfile(0, 0, {"false": 2, "true": 2}),
        },
    )
    references.known["rents"] = Reference(profile, Calibration.of([0.3, 0.7], [False, True]))


def checked(client: TestClient, operation: str, response: Any, status: int = 200) -> dict[str, Any]:
    """Return an answer that is what the document says of it."""
    assert response.status_code == status, response.text
    document = client.get("/openapi.json").json()
    method, route = operation.split()
    [(_, told)] = document["paths"][route][method.lower()]["responses"][str(status)]["content"].items()
    schema = {**told["schema"], "components": document["components"]}
    assert list(Draft202012Validator(schema).iter_errors(response.json())) == []
    body: dict[str, Any] = response.json()
    return body


def accepts(client: TestClient, name: str, record: object) -> bool:
    """Tell whether the document takes a record."""
    document = client.get("/openapi.json").json()
    schema = {"$ref": f"#/components/schemas/{name}Record", "components": document["components"]}
    return bool(Draft202012Validator(schema).is_valid(record))


def test_records_of_every_type_are_answered_and_told_with_what_is_derived(client: TestClient) -> None:
    body = checked(client, "POST /predict", client.post("/predict", json={"use_case": "trips", "records": [TRIP]}))
    assert body["predictions"][0]["prediction"] == "yes"
    past = checked(client, "GET /past-predictions", client.get("/past-predictions?use_case=trips"))
    assert past["predictions"][0]["features"] == {**TRIP, **DERIVED_OF_TRIP}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"insured": "yes"}, "not_a_boolean"),
        ({"insured": 1}, "not_a_boolean"),
        ({"insured": None}, "missing_value"),
        ({"booked": "01.02.2026"}, "not_a_date"),
        ({"town": 7}, "not_a_text"),
        ({"remark": "x" * 41}, "too_long_cell"),
        ({"remark": ""}, "not_a_text"),
        ({"per_night": 225.0}, "unknown_field"),
    ],
)
def test_what_the_types_do_not_take_is_refused_by_name(client: TestClient, changes: dict[str, Any], rule: str) -> None:
    response = client.post("/predict", json={"use_case": "trips", "records": [TRIP | changes]})
    problem = checked(client, "POST /predict", response, 422)
    assert [(each["column"].split(".")[-1], each["rule"]) for each in problem["errors"]] == [(*changes, rule)]


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({}, True),
        ({"guide": True, "town": "a town nobody knows", "price": -1e300, "remark": None}, True),
        ({"insured": "true"}, False),
        ({"price": "900"}, False),
        ({"town": ""}, False),
        ({"remark": "x" * 41}, False),
        ({"nights": 0}, False),
    ],
)
def test_the_document_takes_the_same_records_as_the_api(
    client: TestClient, changes: dict[str, Any], taken: bool
) -> None:
    assert accepts(client, "Trips", TRIP | changes) is taken
    response = client.post("/predict", json={"use_case": "trips", "records": [TRIP | changes]})
    assert (response.status_code == 200) is taken


def test_a_use_case_tells_all_that_a_form_needs(client: TestClient) -> None:
    told = checked(client, "GET /use-cases/{name}", client.get("/use-cases/trips"))
    assert {each["name"]: each["type"] for each in told["features"]} == {
        each.name: each.type for each in TRIPS.features
    }
    assert told["derived"][0] == {
        "name": "per_night",
        "type": "number",
        "description": "",
        "unit": "",
        "sources": ["price", "nights"],
        "computed_as": "ratio",
    }
    assert told["format"] == FileFormat().model_dump()
    assert checked(client, "GET /use-cases/{name}", client.get("/use-cases/rents"))["target"]["unit"] == "€"


def test_a_number_is_answered_with_its_interval_and_found_again(client: TestClient) -> None:
    body = checked(client, "POST /predict", client.post("/predict", json={"use_case": "rents", "records": [RENT, {}]}))
    answer, refused = body["predictions"]
    assert answer == {
        "index": 0,
        "prediction_id": answer["prediction_id"],
        "prediction": 10.0,
        "interval": [7.5, 12.5],
    }
    assert {each["rule"] for each in refused["error"]} == {"missing_value"}
    [past] = checked(client, "GET /past-predictions", client.get("/past-predictions"))["predictions"]
    assert (past["prediction"], past["interval"], past["features"]) == (10.0, [7.5, 12.5], RENT)


def test_a_key_and_the_queue_repeat_a_number(client: TestClient, app_module: Any, results: FakeQueue) -> None:
    request = {"use_case": "rents", "records": [RENT]}
    first, second = (client.post("/predict", json=request, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json() == second.json()
    assert first.json()["predictions"][0]["interval"] == [7.5, 12.5]
    queue.drain({"Records": [{"messageId": "1", "body": json.dumps(request)}]}, app_module.app.state.service)
    assert json.loads(results.sent[0])["body"]["predictions"][0]["prediction"] == 10.0


def test_a_number_is_explained_in_its_unit(client: TestClient) -> None:
    response = client.post("/explain", json={"use_case": "rents", "record": RENT})
    told = checked(client, "POST /explain", response)
    assert (told["value"], told["typical_value"], told["scale"], told["method"]) == (10.0, 10.0, "value", "exact")
    assert {each["feature"]: each["effect"] for each in told["effects"]} == dict.fromkeys(RENT, 0.0)


@pytest.mark.parametrize("actual", [812.5, 812, "812.5"])
def test_the_true_number_is_stored(client: TestClient, predictions: FakePredictions, actual: object) -> None:
    answer = client.post("/predict", json={"use_case": "rents", "records": [RENT]}).json()
    id_ = answer["predictions"][0]["prediction_id"]
    known = {"use_case": "rents", "records": [{"prediction_id": id_, "actual": actual}]}
    assert checked(client, "POST /ground-truth", client.post("/ground-truth", json=known))["stored"] == 1
    assert float(predictions.truths[id_]) == float(str(actual))


@pytest.mark.parametrize(
    ("actual", "rule"),
    [("high", "not_a_number"), ("nan", "not_a_number"), ("1e999", "not_a_number"), (-1, "below_minimum")],
)
def test_what_is_no_true_number_is_refused(client: TestClient, actual: object, rule: str) -> None:
    known = {"use_case": "rents", "records": [{"entity_id": "17", "actual": actual}]}
    problem = checked(client, "POST /ground-truth", client.post("/ground-truth", json=known), 422)
    assert [each["rule"] for each in problem["errors"]] == [rule]
    assert "records.0.actual must be" in problem["detail"]
