"""Bodies made to exhaust whoever reads them."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.fakes.predictions import FakePredictions, FakeQueue

GOOD: dict[str, Any] = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
DEEP = [63, 500, 1_000, 1_020, 1_100, 100_000]
WRAPPED = {
    "/predict": ['{"records":[{"Age":%s}]}', '{"Age":%s}', '{"records":%s}', "%s"],
    "/explain": ['{"use_case":"titanic","record":{"Age":%s}}', '{"use_case":%s,"record":{}}', "%s"],
    "/ground-truth": [
        '{"use_case":"titanic","records":[{"actual":%s,"entity_id":"1"}]}',
        '{"use_case":"titanic","records":%s}',
        "%s",
    ],
    "/raw-files": ['{"use_case":"titanic","name":%s}', '{"use_case":"titanic","name":"a.csv","size":%s}', "%s"],
}
BODIES = [(path, wrapping) for path, wrappings in WRAPPED.items() for wrapping in wrappings]


def nested(depth: int) -> list[str]:
    return ["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth, "[" * depth]


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize(("path", "wrapping"), BODIES)
def test_nesting_is_refused_everywhere(client: TestClient, path: str, wrapping: str, depth: int) -> None:
    for value in nested(depth):
        response = client.post(path, content=wrapping % value)
        assert response.status_code in {400, 422}, (path, wrapping, depth)
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("depth", DEEP)
def test_a_nested_message_of_the_queue_is_answered_once(
    app_module: Any, results: FakeQueue, predictions: FakePredictions, depth: int
) -> None:
    bodies = [wrapping % value for wrapping in WRAPPED["/predict"] for value in nested(depth)]
    messages = [{"messageId": f"m{n}", "body": body, "eventSource": "aws:sqs"} for n, body in enumerate(bodies)]
    assert app_module.handler({"Records": messages}, None) == {"batchItemFailures": []}
    assert {json.loads(sent)["status"] for sent in results.sent} <= {400, 422}
    assert len(results.sent) == len(bodies)
    assert not predictions.stored


@pytest.mark.parametrize("digits", [19, 20, 30, 309, 400, 4_300, 5_000, 100_000])
@pytest.mark.parametrize(("path", "wrapping"), BODIES)
def test_huge_integers_are_refused_everywhere(client: TestClient, path: str, wrapping: str, digits: int) -> None:
    for sign in ("", "-"):
        response = client.post(path, content=wrapping % (sign + "9" * digits))
        assert response.status_code in {400, 422}, (path, wrapping, digits)


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 2**64, 10**30, "1", 1.5, True, None])
def test_a_row_number_that_no_file_has_is_refused(
    client: TestClient, predictions: FakePredictions, number: object
) -> None:
    origin = {"file_id": "ab" * 32, "row_numbers": [number]}
    response = client.post("/predict", json={"source": "scheduled", "records": [GOOD], "origin": origin})
    assert response.status_code == 422
    assert response.json()["errors"][0]["column"] == "origin.row_numbers.0"
    assert not predictions.stored
