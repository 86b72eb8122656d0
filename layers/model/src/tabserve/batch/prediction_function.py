"""The functions that the scheduled one invokes: that of predictions, with API Gateway's event (ADR 14), and itself."""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic_core import to_json

from tabserve.core.errors import LeaseLostError, ModelError, PredictionServiceError
from tabserve.core.records import Features, Origin
from tabserve.core.retry import retried

ANSWER_WITHIN_S = 30.0  # the function itself stops after 29
PAUSES_S = (0.2, 1.0, 2.0)
TRY_AGAIN_WITHIN_S = 6.0  # with the last try's connection and answer: within what a run keeps for a chunk
UNAVAILABLE = {429, 502, 503, 504}
NO_MODEL = "urn:tabserve:problem:no-model"
LEASE_LOST = "urn:tabserve:problem:lease-lost"
TOO_LARGE = 413
SHOWN = 300

Reply = tuple[int, dict[str, Any]]


class PredictionFunction:
    """Has rows of a file predicted; asking again for rows is harmless, they are stored once.

    The client tries once and waits `ANSWER_WITHIN_S`: what is tried again, and how long, is decided here.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401  clients have no type
        function: str,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._function = function
        self._sleep = sleep
        self._clock = clock

    def predict(self, use_case: str, records: Sequence[Features], origin: Origin) -> Mapping[int, str]:
        """Have rows of a file predicted and stored; return why the others were refused, by row number.

        Rows that are too large for one call are asked for in halves. Raises PredictionServiceError when the function
        is unavailable, ModelError when the use case has no usable model, LeaseLostError when there is a newer claim on
        the file.
        """
        content = {"use_case": use_case, "source": "scheduled", "records": list(records), "origin": asdict(origin)}
        status, body = self._ask(json.dumps(event(content)).encode())
        if status == TOO_LARGE and len(records) > 1:
            middle = len(records) // 2
            first, second = origin.row_numbers[:middle], origin.row_numbers[middle:]
            refused = self.predict(use_case, records[:middle], replace(origin, row_numbers=first))
            return {**refused, **self.predict(use_case, records[middle:], replace(origin, row_numbers=second))}
        if status == 200:
            return _refused_of_answered(body, origin.row_numbers)
        if body.get("type") == NO_MODEL:
            raise ModelError(str(body.get("detail")))
        if body.get("type") == LEASE_LOST:
            raise LeaseLostError(str(body.get("detail")))
        return dict.fromkeys(origin.row_numbers, f"the prediction function answered {status}: {_shown(body)}")

    def _ask(self, payload: bytes) -> Reply:
        started = self._clock()

        def worth_it(error: Exception) -> bool:
            in_time = self._clock() - started <= TRY_AGAIN_WITHIN_S - max(PAUSES_S)
            return isinstance(error, PredictionServiceError) and in_time

        return retried(lambda: self._try(payload), PAUSES_S, worth_it, self._sleep)

    def _try(self, payload: bytes) -> Reply:
        """Return status and body; raise PredictionServiceError when that says nothing about the rows."""
        status, body = self._invoke(payload)
        if status in UNAVAILABLE and body.get("type") != NO_MODEL:
            raise PredictionServiceError(f"the prediction function is away: {status} {_shown(body)}")
        return status, body

    def _invoke(self, payload: bytes) -> Reply:
        try:
            answer = self._client.invoke(FunctionName=self._function, Payload=payload)
            content = answer["Payload"].read()
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] == TOO_LARGE:
                return TOO_LARGE, {"detail": str(error)}
            raise PredictionServiceError(f"the prediction function cannot be invoked: {error}") from error
        try:
            reply = json.loads(content)
            return reply["statusCode"], json.loads(reply["body"])
        except (ValueError, KeyError, TypeError) as error:  # it timed out or broke down: `FunctionError`
            raise PredictionServiceError(f"the prediction function failed: {content[:SHOWN]!r}") from error


def invoke_again(client: Any, function: str, hop: int) -> None:  # noqa: ANN401  clients have no type
    """Have the scheduled function invoked once more, without waiting for it; raise PredictionServiceError.

    Args:
        client: of Lambda.
        function: its name.
        hop: how many invocations in a row were such ones: Lambda ends a chain of sixteen.

    """
    try:
        client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps({"hop": hop}).encode())
    except (BotoCoreError, ClientError) as error:
        raise PredictionServiceError(f"the function {function} cannot be invoked: {error}") from error


def event(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what API Gateway would send for this body, and at its top level who sends it: no client can say that.

    Base64 makes the size of any body known: what the API takes fits into an invocation.
    """
    return {
        "resource": "/predict",
        "path": "/predict",
        "httpMethod": "POST",
        "headers": {"content-type": "application/json"},
        "requestContext": {},
        "body": base64.b64encode(to_json(content)).decode(),
        "isBase64Encoded": True,
        "invoked_by": "scheduler",
    }


def _refused_of_answered(body: Mapping[str, Any], row_numbers: Sequence[int]) -> dict[int, str]:
    refused = {row_numbers[int(index)]: reason for index, reason in body.get("refused", {}).items()}
    answered = body.get("predicted", 0) + len(refused)
    if answered != len(row_numbers):
        raise PredictionServiceError(f"the prediction function answered {answered} of {len(row_numbers)} rows")
    return refused


def _shown(body: Mapping[str, Any]) -> str:
    return str(body.get("detail", body))[:SHOWN]
