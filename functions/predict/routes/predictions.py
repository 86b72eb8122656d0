"""Predict, and read what was predicted."""

from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from functions.predict.gate import invoked_by_scheduler
from functions.predict.history import HistoryParameters, page_body
from functions.predict.metering import count
from functions.predict.replies import json_reply, request_id_of, service_of
from functions.predict.schemas import idempotency_key, predict_request, rendered
from tabserve.serving.service import past_predictions, predict, predict_file, predict_once

router = APIRouter(tags=["predictions"])


@router.post("/predict")
async def post_predict(request: Request) -> Response:
    """Predict one record or a batch; every answer is stored."""
    service = service_of(request)
    body, key = await request.body(), request.headers.get("idempotency-key")
    asked = predict_request(
        body, service.default_use_case, request_id_of(request), scheduled=invoked_by_scheduler(request.scope)
    )
    if key is not None and asked.origin is None:
        once = await predict_once(asked, idempotency_key(key), sha256(body).hexdigest(), rendered, service.deps)
        return Response(once, media_type="application/json")
    if asked.origin is not None:
        answer = await predict_file(asked, asked.origin, service.deps)
    else:
        answer = await predict(asked, service.deps)
    if "aws.context" in request.scope:  # other servers have an access log
        count(service.emf(), len(answer.batch), len(answer.errors))
        service.log.info("predicted", use_case=asked.use_case, rows=len(answer.batch), refused=len(answer.errors))
    return Response(rendered(answer), media_type="application/json")


@router.get("/past-predictions")
def get_past_predictions(request: Request, parameters: Annotated[HistoryParameters, Query()]) -> Response:
    """Read stored predictions, newest first."""
    deps = service_of(request).deps
    page = past_predictions(parameters.query(), deps)
    return json_reply(page_body(page, {name: deps.catalog.get(name) for name in deps.catalog.names()}))
