"""The API as its callers see it, its adapters replaced by fakes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fastapi.testclient import TestClient

from functions.predict import queue
from functions.predict.routes import past_predictions
from functions.predict.routes.past_predictions import HistoryParameters
from tabserve.batch.prediction_function import PredictionFunction
from tabserve.core.entities import Entity
from tabserve.core.errors import StorageUnavailableError
from tabserve.core.records import Origin
from tabserve.core.rules import DESCRIPTIONS
from tests.factories import API_KEY
from tests.fakes.models import FakeModels
from tests.fakes.objects import FakeObjects
from tests.fakes.predictions import FakeFeatures, FakePredictions, FakeQueue
from tests.fakes.scheduling import InProcess

GOOD: dict[str, Any] = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
EVENTS = Path(__file__).parents[2] / "events"


def test_a_bare_record_is_predicted_with_the_default_use_case(post: Any, predictions: FakePredictions) -> None:
    status, body = post(GOOD)
    assert status == 200
    assert body["use_case"] == "titanic"
    [entry] = body["predictions"]
    assert entry["index"] == 0
    assert entry["prediction"] == 1
    assert entry["label"] == "survived"
    assert entry["probability"] == pytest.approx(0.55)
    assert entry["probabilities"] == pytest.approx({"0": 0.45, "1": 0.55})
    stored = predictions.stored[entry["prediction_id"]]
    assert stored.features == GOOD
    assert (stored.source, stored.request_id) == ("api", body["request_id"])


def test_one_bad_record_never_fails_the_others(post: Any, predictions: FakePredictions) -> None:
    status, body = post({"use_case": "titanic", "source": "webapp", "records": [GOOD, GOOD | {"Age": "x"}, GOOD]})
    assert status == 200
    assert [entry["index"] for entry in body["predictions"]] == [0, 1, 2]
    assert body["predictions"][1]["error"][0]["column"] == "Age"
    assert len(predictions.stored) == 2


def test_more_than_two_classes_give_the_probability_of_the_predicted_one(post: Any) -> None:
    record = {"SepalLengthCm": 5.1, "SepalWidthCm": 3.5, "PetalLengthCm": 1.4, "PetalWidthCm": 0.2}
    _, body = post({"use_case": "iris", "records": [record]})
    assert body["predictions"][0]["prediction"] == "virginica"
    assert body["predictions"][0]["probability"] == pytest.approx(0.4)


class TestTheScheduler:
    """What the scheduled function may send by invoking this one, and nobody else in any way."""

    ORIGIN: ClassVar[dict[str, Any]] = {"file_id": "ab" * 32, "row_numbers": [3, 5], "fence": 1}
    ROWS: ClassVar[list[dict[str, Any]]] = [GOOD | {"entity_id": "17"}, GOOD]
    REQUEST: ClassVar[dict[str, Any]] = {"source": "scheduled", "records": ROWS, "origin": ORIGIN}

    def test_has_rows_of_a_file_stored_once_however_often_it_sends_them(
        self, app_module: Any, predictions: FakePredictions
    ) -> None:
        function = PredictionFunction(InProcess(app_module.handler), "predict")
        for _ in range(2):
            assert function.predict("titanic", self.ROWS, Origin("ab" * 32, (3, 5), 1)) == {}
        assert {(p.row_number, p.entity_id) for p in predictions.stored.values()} == {(3, "17"), (5, None)}
        assert {p.source for p in predictions.stored.values()} == {"scheduled"}

    def test_is_told_which_rows_are_refused_and_the_others_are_stored(
        self, app_module: Any, predictions: FakePredictions
    ) -> None:
        function = PredictionFunction(InProcess(app_module.handler), "predict")
        refused = function.predict("titanic", [GOOD | {"Age": 900}, GOOD], Origin("ab" * 32, (3, 5), 1))
        assert refused.keys() == {3}
        assert "Age" in refused[3]
        assert [p.row_number for p in predictions.stored.values()] == [5]

    @pytest.mark.parametrize(
        ("content", "field"),
        [
            (REQUEST, "origin"),
            ({"records": ROWS, "origin": ORIGIN}, "origin"),
            ({"records": ROWS, "source": "scheduled"}, "source"),
        ],
    )
    @pytest.mark.parametrize("way", ["uvicorn", "gateway", "queue"])
    def test_is_nobody_else(
        self,
        app_module: Any,
        client: TestClient,
        predictions: FakePredictions,
        results: FakeQueue,
        way: str,
        content: dict[str, Any],
        field: str,
    ) -> None:
        if way == "uvicorn":
            answer = client.post("/predict", json=content, headers={"invoked_by": "scheduler"})
            status, problem = answer.status_code, answer.json()
        elif way == "gateway":
            status, problem = self._through_the_gateway(app_module, content)
        else:
            app_module.handler(queue_event(content) | {"invoked_by": "scheduler"}, None)
            [sent] = map(json.loads, results.sent)
            status, problem = sent["status"], sent["body"]
        assert status == 422
        [error] = problem["errors"]
        assert (error["column"], error["rule"]) == (field, "scheduler_only")
        assert not predictions.stored

    def _through_the_gateway(self, app_module: Any, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send the mark in everything that a client of the gateway chooses."""
        event = json.loads((EVENTS / "predict.json").read_text())
        mark = {"invoked_by": "scheduler", "aws.event": '{"invoked_by": "scheduler"}'}
        event["headers"] |= mark | {"x-api-key": API_KEY}
        event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
        event["queryStringParameters"] = event["pathParameters"] = event["stageVariables"] = mark
        event["body"] = json.dumps(content)
        answer = app_module.handler(event, None)
        return answer["statusCode"], json.loads(answer["body"])

    def test_alone_needs_no_key(self, app_module: Any) -> None:
        event = json.loads((EVENTS / "predict.json").read_text())
        event["headers"]["invoked_by"] = "scheduler"
        assert app_module.handler(event, None)["statusCode"] == 403
        assert app_module.handler(event | {"invoked_by": "scheduler"}, None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("content", "status", "column"),
    [
        ([], 422, "body"),
        ({"records": []}, 422, "records"),
        ({"records": [1]}, 422, "records.0"),
        ({"records": [GOOD], "colour": 1}, 422, "colour"),
        ({"records": [GOOD], "source": "moon"}, 422, "source"),
        ({"records": [GOOD], "use_case": 1}, 422, "use_case"),
        ({"records": [GOOD], "origin": {"file_id": "x", "row_numbers": [1]}}, 422, "origin.file_id"),
        ({"Pclass": 4} | GOOD | {"Pclass": 4}, 422, "Pclass"),
        (GOOD | {"Name": "x"}, 422, "Name"),
    ],
)
def test_a_refused_request_names_the_field(
    post: Any, predictions: FakePredictions, content: object, status: int, column: str
) -> None:
    answered, body = post(content)
    assert answered == status == body["status"]
    assert body["errors"][0]["column"] == column
    assert column in body["errors"][0]["message"]
    assert not predictions.stored


CONTENT_TYPES = ["", "application/x-www-form-urlencoded", "text/plain", "nonsense", "application/json-seq"]


@pytest.mark.parametrize("content_type", [*CONTENT_TYPES, "application/json; charset=utf-8", "application/ld+json"])
def test_json_is_read_whatever_the_content_type_says(client: TestClient, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert client.post("/predict", content=json.dumps(GOOD), headers=headers).status_code == 200


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_what_is_not_json_and_does_not_say_so_is_told_the_content_type_in_one_sentence(
    client: TestClient, content_type: str
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = client.post("/predict", content="Pclass=1&Sex=female", headers=headers)
    assert answer.status_code == 400
    what = "The body is not JSON: unexpected character, expected a JSON value (line 1, column 1)"
    assert answer.json()["detail"] == f"{what}; send it with the header content-type: application/json."


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "application/ld+json"])
def test_what_is_not_json_but_says_so_is_told_where_it_goes_wrong(client: TestClient, content_type: str) -> None:
    answer = client.post("/predict", content="{", headers={"content-type": content_type})
    assert answer.status_code == 400
    assert "content-type" not in answer.json()["detail"]


def test_an_unknown_use_case_is_answered_with_the_known_ones(post: Any) -> None:
    status, body = post({"use_case": "tulips", "records": [GOOD]})
    assert (status, body["detail"]) == (404, "Unknown use case 'tulips'; known: iris, penguins, titanic.")


def test_too_many_records_are_sent_to_the_raw_bucket(post: Any) -> None:
    status, body = post({"records": [GOOD] * 5001})
    assert status == 413
    assert "raw bucket" in body["detail"]


def test_a_body_over_the_limit_is_refused_before_it_is_parsed(client: TestClient) -> None:
    response = client.post("/predict", content=b"[" * 4_500_001)
    assert response.status_code == 413
    assert "raw bucket" in response.json()["detail"]


def test_an_unavailable_database_is_worth_a_retry_and_its_address_stays_secret(
    client: TestClient, predictions: FakePredictions
) -> None:
    predictions.unavailable = True
    response = client.post("/predict", json=GOOD)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert "10.0.0.7" not in response.text


@pytest.mark.parametrize("key", ["", "wrong", "a-key-for-tests-only-012345678"])
def test_without_the_key_nothing_is_answered(client: TestClient, key: str) -> None:
    response = client.post("/predict", json=GOOD, headers={"x-api-key": key})
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"


def test_health_needs_no_key(client: TestClient, predictions: FakePredictions) -> None:
    assert client.get("/health", headers={"x-api-key": ""}).json()["status"] == "ok"
    predictions.unavailable = True
    assert client.get("/health", headers={"x-api-key": ""}).json() == {"status": "degraded", "database": False}


def test_history_is_read_newest_first_page_by_page(post: Any, client: TestClient) -> None:
    sent = [post({"source": "webapp", "records": [GOOD]})[1]["predictions"][0]["prediction_id"] for _ in range(5)]
    post({"source": "queue", "records": [GOOD]})
    read: list[str] = []
    parameters = {"source": "webapp", "limit": "2"}
    while True:
        body = client.get("/past-predictions", params=parameters).json()
        read += [entry["prediction_id"] for entry in body["predictions"]]
        if body["next_cursor"] is None:
            break
        parameters["cursor"] = body["next_cursor"]
    assert read == sent[::-1]


def test_history_is_searched_by_entity_and_by_prediction(post: Any, client: TestClient) -> None:
    ids = [post({"records": [GOOD | {"entity_id": name}]})[1]["predictions"][0]["prediction_id"] for name in "717"]

    def found(**parameters: str) -> list[str]:
        answer = client.get("/past-predictions", params=parameters).json()
        return [entry["prediction_id"] for entry in answer["predictions"]]

    assert found(entity_id="7") == [ids[2], ids[0]]
    assert found(entity_id="nobody") == []
    assert found(prediction_id=ids[1]) == [ids[1]]
    assert found(prediction_id=ids[1], entity_id="7") == []


def test_history_ranges_are_half_open_and_utc(post: Any, client: TestClient) -> None:
    for _ in range(3):
        post(GOOD)
    everything = client.get("/past-predictions").json()["predictions"]
    first, last = everything[-1]["created_at"], everything[0]["created_at"]
    between = client.get("/past-predictions", params={"from": first, "to": last}).json()["predictions"]
    assert [entry["created_at"] for entry in between] == [everything[1]["created_at"], first]
    assert everything[0]["features"] == GOOD
    assert everything[0]["label"] == "survived"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T01:00:00 01:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T17:25:00+17:25", datetime(2026, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-23:59", datetime.max.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:59", datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_any_iso_time_is_turned_into_utc(written: str, read: datetime) -> None:
    start = HistoryParameters.model_validate({"from": written}).query().start

    assert start is not None
    assert (start, start.tzinfo) == (read, UTC)


@pytest.mark.parametrize(
    "parameters",
    [
        *({"limit": "0"}, {"limit": "1001"}, {"from": "yesterday"}, {"source": "moon"}, {"colour": "red"}),
        *({"cursor": "?"}, {"prediction_id": "17"}, {"entity_id": ""}, {"entity_id": "a\tb"}),
    ],
)
def test_wrong_history_parameters_are_named(client: TestClient, parameters: dict[str, str]) -> None:
    response = client.get("/past-predictions", params=parameters)
    assert response.status_code == 422
    assert response.json()["errors"][0]["column"] == next(iter(parameters))


def test_unknown_routes_and_methods_are_problems_too(client: TestClient) -> None:
    assert client.get("/nothing").json()["status"] == 404
    assert client.get("/predict").json()["status"] == 405


def test_a_bug_is_answered_without_its_details(
    client: TestClient, predictions: FakePredictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(predictions, "add", broken)
    response = client.post("/predict", json=GOOD)
    assert response.status_code == 500
    assert "secret" not in response.text


def test_no_input_value_is_logged(app_module: Any, caplog: pytest.LogCaptureFixture) -> None:
    event = json.loads((EVENTS / "predict.json").read_text())
    event["headers"]["x-api-key"] = "a-key-for-tests-only-0123456789"
    event["body"] = json.dumps({"records": [GOOD, GOOD | {"Sex": "Bobby Tables"}]})

    assert app_module.handler(event, None)["statusCode"] == 200

    logged = [str(vars(record)) for record in caplog.records]
    assert any("refused" in line for line in logged)
    assert not any("Bobby" in line for line in logged)


def test_the_gateway_event_is_answered_and_counted(app_module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    event = json.loads((EVENTS / "predict.json").read_text())
    event["headers"]["x-api-key"] = "a-key-for-tests-only-0123456789"
    answer = app_module.handler(event, None)
    assert answer["statusCode"] == 200
    assert not answer["isBase64Encoded"]
    assert any(json.loads(line).get("Predictions") == [1.0] for line in capsys.readouterr().out.splitlines())
    assert json.loads(answer["body"])["predictions"][0]["label"] == "survived"


def test_use_cases_are_described_for_forms(client: TestClient) -> None:
    assert [item["name"] for item in client.get("/use-cases").json()["use_cases"]] == ["iris", "penguins", "titanic"]
    described = client.get("/use-cases/titanic").json()
    assert described["features"][0]["categories"] == [1, 2, 3]
    assert described["target"]["labels"] == ["died", "survived"]
    assert described["missing_values"] == ["", "NA"]
    assert described["rules"] == DESCRIPTIONS
    assert client.get("/use-cases/tulips").status_code == 404


def test_wide_predictions_come_in_pages_that_an_answer_can_carry(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/predict", json={"records": [GOOD] * 10}).status_code == 200
    everything = client.get("/past-predictions").json()["predictions"]
    monkeypatch.setattr(past_predictions, "MOST_BYTES", 3 * len(json.dumps(everything[0], separators=(",", ":"))) + 20)
    found: list[Any] = []
    sizes: list[int] = []
    parameters: dict[str, Any] = {"limit": 7}
    while parameters.get("cursor", "first"):
        answer = client.get("/past-predictions", params=parameters).json()
        found += answer["predictions"]
        sizes.append(len(answer["predictions"]))
        parameters["cursor"] = answer["next_cursor"]
    assert found == everything
    assert sizes == [3, 3, 3, 1]
    monkeypatch.setattr(past_predictions, "MOST_BYTES", 1)
    assert len(client.get("/past-predictions").json()["predictions"]) == 1


def test_a_default_without_definition_is_no_default(app_module: Any, client: TestClient) -> None:
    deps = app_module.app.state.service.deps
    settings = deps.settings.model_copy(update={"default_use_case": "tulips"})
    app_module.app.state.service = replace(app_module.service, deps=replace(deps, settings=settings))
    assert client.get("/use-cases").json()["default"] is None
    refused = client.post("/predict", json=GOOD)
    assert (refused.status_code, refused.json()["errors"][0]["column"]) == (422, "use_case")


def test_the_served_versions_are_told(client: TestClient) -> None:
    assert client.get("/model").json()["serving"] == "20260101T000000Z-00000000"
    assert set(client.post("/reload-model").json()["serving"]) == {"iris", "penguins", "titanic"}
    assert client.get("/model", params={"use_case": "tulips"}).status_code == 404


def test_the_same_idempotency_key_repeats_the_answer(client: TestClient, predictions: FakePredictions) -> None:
    headers = {"Idempotency-Key": "order-17"}
    first, second = (client.post("/predict", json=GOOD, headers=headers) for _ in range(2))
    assert first.content == second.content
    assert len(predictions.stored) == 1
    conflict = client.post("/predict", json=GOOD | {"Age": 39}, headers=headers)
    assert conflict.status_code == 409
    assert len(predictions.stored) == 1
    assert client.post("/predict", json=GOOD, headers={"Idempotency-Key": "a b"}).status_code == 422


def test_a_stored_answer_is_repeated_while_the_model_is_unavailable(
    app_module: Any, client: TestClient, results: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise StorageUnavailableError("the bucket does not answer")

    headers, event = {"Idempotency-Key": "order-17"}, queue_event(GOOD)
    first = client.post("/predict", json=GOOD, headers=headers)
    assert app_module.handler(event, None) == {"batchItemFailures": []}
    monkeypatch.setattr(FakeModels, "champion", unavailable)

    again = client.post("/predict", json=GOOD, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert client.post("/predict", json=GOOD | {"Age": 39}, headers=headers).status_code == 409
    assert app_module.handler(event, None) == {"batchItemFailures": []}
    assert results.sent[0] == results.sent[1]
    assert client.post("/predict", json=GOOD).status_code == 503


def test_an_entity_is_predicted_from_its_stored_features(
    post: Any, client: TestClient, features: FakeFeatures, predictions: FakePredictions
) -> None:
    features.put("titanic", [Entity("17", GOOD, datetime(2026, 1, 1, tzinfo=UTC))])
    status, body = post({"records": [{"entity_id": "17"}, {"entity_id": "18"}]})
    assert status == 200
    assert body["predictions"][1]["error"][0]["rule"] == "unknown_entity"
    [stored] = predictions.stored.values()
    assert (stored.features, stored.entity_id) == (GOOD, "17")
    assert client.get("/features/titanic/17").json()["features"] == GOOD
    assert client.get("/features/titanic/18").status_code == 404


def test_ground_truth_is_stored_and_unknown_predictions_are_reported_by_index(post: Any, client: TestClient) -> None:
    id_ = post({"records": [GOOD | {"entity_id": "17"}]})[1]["predictions"][0]["prediction_id"]
    records = [
        {"prediction_id": id_, "actual": 1},
        {"entity_id": "17", "actual": "0"},
        {"entity_id": "99", "actual": 1},
    ]
    body = client.post("/ground-truth", json={"use_case": "titanic", "records": records}).json()
    assert body["stored"] == 2
    assert [(error["index"], error["error"][0]["column"]) for error in body["errors"]] == [(2, "entity_id")]


@pytest.mark.parametrize(
    ("record", "column"),
    [
        ({"actual": 1}, "records.0"),
        ({"actual": 1, "entity_id": "1", "prediction_id": "x"}, "records.0.prediction_id"),
        ({"actual": True, "entity_id": "1"}, "records.0.actual"),
        ({"actual": 2, "entity_id": "1"}, "records.0.actual"),
        ({"actual": 1, "entity_id": "1", "colour": 1}, "records.0.colour"),
    ],
)
def test_malformed_ground_truth_names_the_field(client: TestClient, record: dict[str, object], column: str) -> None:
    response = client.post("/ground-truth", json={"use_case": "titanic", "records": [record]})
    assert response.status_code == 422
    assert response.json()["errors"][0]["column"].startswith(column)


def queue_event(*bodies: object) -> dict[str, Any]:
    messages = [
        {"messageId": f"m{number}", "body": json.dumps(body), "eventSource": "aws:sqs"}
        for number, body in enumerate(bodies)
    ]
    return {"Records": messages}


def test_a_message_delivered_twice_is_predicted_once(
    app_module: Any, predictions: FakePredictions, results: FakeQueue
) -> None:
    event = queue_event({"records": [GOOD, GOOD]}, {"records": [GOOD | {"Age": "x"}]}, GOOD)
    for _ in range(2):
        assert app_module.handler(event, None) == {"batchItemFailures": []}
    assert [p.source for p in predictions.stored.values()] == ["queue"] * 3
    answers = [json.loads(body) for body in results.sent]
    statuses = {answer["message_id"]: answer["status"] for answer in answers}
    assert statuses == {"m0": 200, "m1": 422, "m2": 200}
    assert answers[0] == answers[3]


def test_an_answer_too_large_for_a_message_lies_in_the_bucket(
    app_module: Any,
    predictions: FakePredictions,
    results: FakeQueue,
    artifacts: FakeObjects,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue, "LARGEST_MESSAGE", 500_000)
    event = queue_event({"records": [GOOD] * 5_000}, {"records": [GOOD | {"Age": "x", "Fare": "y", "Sex": 0}] * 5_000})
    for _ in range(2):
        assert app_module.handler(event, None) == {"batchItemFailures": []}
    assert all(len(sent) <= 500_000 for sent in results.sent)
    first, second = map(json.loads, results.sent[:2])
    assert results.sent[2:] == results.sent[:2]
    assert (first["status"], second["status"]) == (200, 422)
    answers = [json.loads(artifacts.objects[sent["answer_in"]["key"]]) for sent in (first, second)]
    assert [answer["message_id"] for answer in answers] == ["m0", "m1"]
    assert {entry["prediction_id"] for entry in answers[0]["body"]["predictions"]} == predictions.stored.keys()
    assert len(answers[1]["body"]["errors"]) == 15_000


def test_a_function_answers_the_gateway_after_the_queue(app_module: Any) -> None:
    event = json.loads((EVENTS / "predict.json").read_text())
    event["headers"]["x-api-key"] = "a-key-for-tests-only-0123456789"
    for _ in range(2):
        assert app_module.handler(queue_event(GOOD), None) == {"batchItemFailures": []}
        assert app_module.handler(event, None)["statusCode"] == 200


def test_a_message_that_meets_an_absent_database_comes_again(
    app_module: Any, predictions: FakePredictions, results: FakeQueue
) -> None:
    predictions.unavailable = True
    assert app_module.handler(queue_event(GOOD), None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert not results.sent
