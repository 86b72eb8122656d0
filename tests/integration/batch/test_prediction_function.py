import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tabserve.batch.prediction_function import (
    ANSWER_WITHIN_S,
    PAUSES_S,
    TRY_AGAIN_WITHIN_S,
    PredictionFunction,
    invoke_again,
)
from tabserve.batch.score_file import SECONDS_PER_CHUNK
from tabserve.core.errors import LeaseLostError, ModelError, PredictionServiceError
from tabserve.core.records import Features, Origin
from tabserve.core.service import aws_client
from tabserve.core.settings import Settings
from tests.servers import Answer, Receiver, receiver

RECORDS: list[Features] = [{"Sex": "female", "Age": None, "entity_id": "7"}, {"Sex": "male", "Age": 2.5}]
ORIGIN = Origin("f1", (2, 5), 4)
TIMED_OUT = {"errorMessage": "2026-01-02 Task timed out after 29.00 seconds"}
THROTTLED = Answer(429, b'{"Type": "User", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}')


def reply(status: int, body: object) -> Answer:
    """What Lambda's API answers when the function ran to its end."""
    return Answer(200, json.dumps({"statusCode": status, "body": json.dumps(body)}).encode())


def problem(status: int, kind: str, **more: object) -> Answer:
    return reply(status, {"type": f"urn:tabserve:problem:{kind}", "detail": kind, **more})


DONE = reply(200, {"predicted": 2, "refused": {}})
BROKE_DOWN = Answer(200, json.dumps(TIMED_OUT).encode(), {"x-amz-function-error": "Unhandled"})


@dataclass
class Lambda:
    """Gives the prepared answers in turn, the last one again and again; an answer of None hangs up."""

    answers: list[Answer | None] = field(default_factory=lambda: [DONE])
    requests: Receiver = field(default_factory=lambda: Receiver(""))

    def next(self) -> Answer | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def lambda_() -> Iterator[Lambda]:
    state = Lambda()
    with receiver(state.next) as state.requests:
        yield state


@dataclass
class Time:
    now: float = 0
    passing: float = 0  # from one look to the next
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        self.now += self.passing
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def function(lambda_: Lambda, time: Time, monkeypatch: pytest.MonkeyPatch) -> PredictionFunction:
    return made(lambda_.requests.url, time, monkeypatch)


def made(url: str, time: Time, monkeypatch: pytest.MonkeyPatch) -> PredictionFunction:
    return PredictionFunction(client_of(url, monkeypatch), "predict", time.sleep, time)


def client_of(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    settings = Settings.model_validate({"aws_endpoint_url": url})
    return aws_client(settings, "lambda", once_within=ANSWER_WITHIN_S)


def ask(function: PredictionFunction) -> dict[int, str]:
    return dict(function.predict("titanic", RECORDS, ORIGIN))


def test_invokes_the_function_with_the_event_of_a_call_that_says_who_sends_it(
    lambda_: Lambda, function: PredictionFunction
) -> None:
    assert ask(function) == {}

    (path,), (event,) = lambda_.requests.paths, lambda_.requests.bodies
    assert path == "/2015-03-31/functions/predict/invocations"
    assert (event["httpMethod"], event["path"], event["invoked_by"]) == ("POST", "/predict", "scheduler")
    assert json.loads(base64.b64decode(event["body"])) == {
        "use_case": "titanic",
        "source": "scheduled",
        "records": RECORDS,
        "origin": {"file_id": "f1", "row_numbers": [2, 5], "fence": 4, "contract_sha256": ""},
    }


AWAY: list[Answer | None] = [
    THROTTLED,
    BROKE_DOWN,
    None,
    Answer(500),
    Answer(403, b'{"Message": "not authorized"}'),
    Answer(200, b"<html>"),
    problem(503, "unavailable"),
    problem(504, "too slow"),
    reply(200, {"predicted": 0, "refused": {}}),
]


@pytest.mark.parametrize("trouble", AWAY, ids=str)
def test_a_function_that_stays_away_is_no_fault_of_the_rows(
    lambda_: Lambda, function: PredictionFunction, trouble: Answer | None
) -> None:
    lambda_.answers = [trouble]

    with pytest.raises(PredictionServiceError):
        ask(function)


@pytest.mark.parametrize("trouble", AWAY[:-1], ids=str)
def test_trouble_that_passes_is_waited_for(
    lambda_: Lambda, function: PredictionFunction, time: Time, trouble: Answer | None
) -> None:
    lambda_.answers = [trouble, trouble, DONE]

    assert ask(function) == {}
    assert len(time.pauses) == 2
    assert len(lambda_.requests.bodies) == 3


def test_a_function_that_takes_its_time_to_fail_is_not_asked_again(
    lambda_: Lambda, function: PredictionFunction, time: Time
) -> None:
    lambda_.answers = [BROKE_DOWN]
    time.passing = TRY_AGAIN_WITHIN_S

    with pytest.raises(PredictionServiceError, match="timed out"):
        ask(function)
    assert len(lambda_.requests.bodies) == 1


def test_all_tries_fit_into_the_time_a_run_keeps_for_a_chunk() -> None:
    config = aws_client(Settings.model_validate({}), "lambda", once_within=ANSWER_WITHIN_S).meta.config
    assert config.retries["total_max_attempts"] == 1
    assert TRY_AGAIN_WITHIN_S + config.connect_timeout + config.read_timeout <= SECONDS_PER_CHUNK
    assert sum(PAUSES_S) < TRY_AGAIN_WITHIN_S


@pytest.mark.parametrize(
    ("prepared", "refused"),
    [
        (reply(200, {"predicted": 1, "refused": {"1": "Age is no number"}}), {5: "Age is no number"}),
        (problem(422, "invalid", errors=[{"message": "origin is wrong"}]), dict.fromkeys((2, 5), "422: invalid")),
        (problem(404, "unknown-use-case"), dict.fromkeys((2, 5), "404: unknown-use-case")),
        (problem(500, "internal-error"), dict.fromkeys((2, 5), "500: internal-error")),
    ],
)
def test_each_refused_row_has_a_reason(
    lambda_: Lambda, function: PredictionFunction, prepared: Answer, refused: dict[int, str]
) -> None:
    lambda_.answers = [prepared]

    found = ask(function)

    assert found.keys() == refused.keys()
    assert all(refused[number] in reason for number, reason in found.items())
    assert len(lambda_.requests.bodies) == 1


TOO_LARGE = [problem(413, "body-too-large"), Answer(413, b'{"Message": "Request must be smaller"}')]


@pytest.mark.parametrize("refusal", TOO_LARGE, ids=["API", "Lambda"])
def test_what_is_too_large_is_asked_for_in_halves(
    lambda_: Lambda, function: PredictionFunction, refusal: Answer
) -> None:
    one = reply(200, {"predicted": 1, "refused": {}})
    lambda_.answers = [refusal, one, reply(200, {"predicted": 0, "refused": {"0": "Age is no number"}})]

    assert ask(function) == {5: "Age is no number"}

    bodies = [json.loads(base64.b64decode(event["body"])) for event in lambda_.requests.bodies]
    assert [body["records"] for body in bodies] == [RECORDS, RECORDS[:1], RECORDS[1:]]
    assert [body["origin"]["row_numbers"] for body in bodies] == [[2, 5], [2], [5]]


@pytest.mark.parametrize("refusal", TOO_LARGE, ids=["API", "Lambda"])
def test_a_row_that_alone_is_too_large_is_refused_and_the_others_are_not(
    lambda_: Lambda, function: PredictionFunction, refusal: Answer
) -> None:
    lambda_.answers = [refusal, refusal, reply(200, {"predicted": 1, "refused": {}})]

    refused = ask(function)

    assert list(refused) == [2]
    assert "413" in refused[2]


def test_the_function_that_runs_is_invoked_again_without_waiting(
    lambda_: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    lambda_.answers = [Answer(202)]

    invoke_again(client_of(lambda_.requests.url, monkeypatch), "scheduled", 3)

    assert lambda_.requests.paths == ["/2015-03-31/functions/scheduled/invocations"]
    assert lambda_.requests.bodies == [{"hop": 3}]
    assert lambda_.requests.headers[0]["x-amz-invocation-type"] == "Event"


def test_a_use_case_without_a_model_is_told_apart_from_an_outage(lambda_: Lambda, function: PredictionFunction) -> None:
    lambda_.answers = [problem(503, "no-model")]

    with pytest.raises(ModelError, match="no-model"):
        ask(function)
    assert len(lambda_.requests.bodies) == 1


def test_a_newer_claim_is_told(lambda_: Lambda, function: PredictionFunction) -> None:
    lambda_.answers = [problem(409, "lease-lost")]

    with pytest.raises(LeaseLostError):
        ask(function)
    assert len(lambda_.requests.bodies) == 1


def test_nobody_listening_is_away(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PredictionServiceError):
        ask(made("http://127.0.0.1:9", time, monkeypatch))
