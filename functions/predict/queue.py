"""Drain the predict queue: each message is the body of a `POST /predict`, its answer goes to the results queue.

An answer that is too large for a message goes to the artifacts bucket, and the message says where it is.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from functions.predict.answers import predictions_body
from functions.predict.problems import problem_body
from functions.predict.request import predict_request
from tabserve.core.errors import TabserveError, UnavailableError
from tabserve.serving.build import PredictService
from tabserve.serving.service import predict_once

LARGEST_MESSAGE = 2**20  # what SQS takes


def drain(messages: Sequence[dict[str, Any]], service: PredictService) -> dict[str, Any]:
    """Answer every message; return those to be delivered again.

    A message that can never be answered gets a problem as its result. One that meets an unavailable part, or a bug,
    is delivered again, and goes to the dead-letter queue after its last attempt.
    """
    failed = []
    for message in messages:
        try:
            service.results.send(_fitting(_result(message, service), message["messageId"], service))
        except Exception:  # one message must not fail the others
            service.log.exception("message failed", message_id=message["messageId"])
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def _fitting(result: bytes, message_id: str, service: PredictService) -> bytes:
    if len(result) <= LARGEST_MESSAGE:
        return result
    key = f"answers/{message_id}.json"
    service.large_answers().put(key, result, "application/json")
    where = {"bucket": service.settings.artifacts_bucket, "key": key}
    return orjson.dumps({"message_id": message_id, "status": orjson.loads(result)["status"], "answer_in": where})


def _result(message: dict[str, Any], service: PredictService) -> bytes:
    message_id, body = message["messageId"], message["body"].encode()
    try:
        request = predict_request(body, service.default_use_case, message_id, source="queue")
        sha256 = hashlib.sha256(body).hexdigest()
        answer = predict_once(request, f"queue/{message_id}", sha256, predictions_body, service.deps)
    except UnavailableError:
        raise
    except TabserveError as error:
        status, content = problem_body(error)
        return orjson.dumps({"message_id": message_id, "status": status, "body": content})
    return orjson.dumps({"message_id": message_id, "status": 200, "body": orjson.Fragment(answer)})
