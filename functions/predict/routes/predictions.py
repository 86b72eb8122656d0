"""Predict, and read what was predicted."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from functions.predict.replies import json_reply, service_of
from functions.predict.schemas import HistoryParameters, answer_body, page_body, predict_request
from tabserve.application.predict import past_predictions, predict

router = APIRouter(tags=["predictions"])


@router.post("/predict")
async def post_predict(request: Request) -> Response:
    """Predict one record or a batch; every answer is stored."""
    service = service_of(request)
    asked = predict_request(await request.body(), service.settings.default_use_case)
    answer = predict(asked, service.deps)
    service.log.info("predicted", use_case=asked.use_case, rows=len(answer.batch), refused=len(answer.errors))
    return json_reply(answer_body(answer))


@router.get("/past-predictions")
async def get_past_predictions(request: Request, parameters: Annotated[HistoryParameters, Query()]) -> Response:
    """Read stored predictions, newest first."""
    deps = service_of(request).deps
    page = past_predictions(parameters.query(), deps)
    return json_reply(page_body(page, {name: deps.catalog.get(name) for name in deps.catalog.names()}))
