"""Drain the predict queue: each message is the body of a `POST /predict`, its answer goes to the results queue.

An answer that is too large for a message goes to the artifacts bucket, and the message says where it is.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson

from functions.predict.problems import problem_body
from functions.predict.request import predict_request
from functions.predict.routes.predictions import predictions_body
from tabserve.core.errors import TabserveError, UnavailableError
from tabserve.core.service import Service
from tabserve.serving.service import PredictDependencies, predict_once

LARGEST_MESSAGE = 2**20  # what SQS takes


def drain(event: Mapping[str, Any], service: Service[PredictDependencies]) -> dict[str, Any]:
    """Answer every message; return those to be delivered again.

    A message that can never be answered gets a problem as its result. One that meets an unavailable part, or a bug,
    is delivered again, and goes to the dead-letter queue after its last attempt.
    """
    try:
        return service.each_message(event, lambda message: _answer(message, service.deps), "message failed")
    finally:
        service.metrics.flush_metrics()


def _answer(message: Mapping[str, Any], deps: PredictDependencies) -> None:
    message_id = message["messageId"]
    result = _result(message_id, message["body"].encode(), deps)
    if len(result) > LARGEST_MESSAGE:
        key = f"answers/{message_id}.json"
        deps.large_answers().put(key, result, "application/json")
        where = {"bucket": deps.settings.artifacts_bucket, "key": key}
        result = orjson.dumps({"message_id": message_id, "status": orjson.loads(result)["status"], "answer_in": where})
    deps.results.send(result)


def _result(message_id: str, body: bytes, deps: PredictDependencies) -> bytes:
    try:
        request = predict_request(body, deps.default_use_case, message_id, source="queue")
        answer = predict_once(request, f"queue/{message_id}", sha256(body).hexdigest(), predictions_body, deps)
    except UnavailableError:
        raise
    except TabserveError as error:
        status, content = problem_body(error)
        return orjson.dumps({"message_id": message_id, "status": status, "body": content})
    return orjson.dumps({"message_id": message_id, "status": 200, "body": orjson.Fragment(answer)})
