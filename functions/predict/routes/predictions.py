"""Predict one record or a batch."""

from asyncio import to_thread
from hashlib import sha256

from fastapi import APIRouter, Request, Response

from functions.predict.answers import Predictions, predictions_body
from functions.predict.gate import invoked_by_scheduler
from functions.predict.request import KEY, deps_of, idempotency_key, predict_request, request_id_of
from tabserve.core.service import Service
from tabserve.serving.service import Answer, PredictDependencies, predict, predict_file, predict_once

router = APIRouter(tags=["predictions"])
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key repeats the first answer and predicts nothing again.",
    "schema": {"type": "string", "pattern": f"^{KEY}$"},
}


@router.post("/predict", response_model=Predictions, openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
async def post_predict(request: Request) -> Response:
    """Predict one record or a batch; every answer is stored."""
    deps = deps_of(request)
    body, key = await request.body(), request.headers.get("idempotency-key")
    asked = predict_request(
        body, deps.default_use_case, request_id_of(request), scheduled=invoked_by_scheduler(request.scope)
    )
    if key is not None and asked.origin is None:
        key, digest = idempotency_key(key), sha256(body).hexdigest()
        first = await to_thread(predict_once, asked, key, digest, predictions_body, deps)
        return Response(first, media_type="application/json")
    if asked.origin is not None:
        answer = await to_thread(predict_file, asked, asked.origin, deps)
    else:
        answer = await predict(asked, deps)
    if "aws.context" in request.scope:  # other servers have an access log
        _count(answer, request.app.state.service)
    return Response(predictions_body(answer), media_type="application/json")


def _count(answer: Answer, service: Service[PredictDependencies]) -> None:
    """Count a call's records in CloudWatch and write them to the log."""
    predicted, refused = len(answer.batch), len(answer.errors)
    service.count(Predictions=predicted, RefusedRecords=refused)
    service.metrics.flush_metrics()
    service.log.info("predicted", use_case=answer.use_case.name, rows=predicted, refused=refused)
