"""The prediction API as a Lambda function, and as an ASGI app for any other server."""

import gc

gc.disable()  # until all is imported: nothing of it is garbage, and looking for some takes a tenth of a cold start

from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from functions.predict import openapi
from functions.predict.gate import Gate, Meter
from functions.predict.problems import add_problem_handlers
from functions.predict.queue import drain
from functions.predict.routes import (
    alerts,
    explanations,
    features,
    files,
    ground_truth,
    models,
    operations,
    past_predictions,
    predictions,
    release,
)
from tabserve.serving.build import predict_service

TEXT = ["text/", "application/json", "application/problem+json"]

service = predict_service()
app = FastAPI(
    title="tabserve",
    version="1",
    summary="Predictions of tabular models",
    docs_url=None,
    redoc_url=None,
    redirect_slashes=False,
)
app.state.service = service
app.state.meter = Meter(service.deps.predictions, service.log)
app.add_middleware(Gate, api_key=service.deps.settings.api_key, meter=app.state.meter)
add_problem_handlers(app, service.log)
TOPICS = (
    *(predictions, past_predictions, explanations, ground_truth, alerts),
    *(features, files, models, release, operations),
)
for topic in TOPICS:
    app.include_router(topic.router)
app.openapi = lambda: openapi.document(app, app.state.service.deps)  # type: ignore[method-assign]  # FastAPI's documented way

http = Mangum(app, lifespan="off", text_mime_types=TEXT)
# What was imported stays, and a batch makes thousands of objects but no cycles; looking for some cost calls 50 ms.
gc.freeze()
gc.set_threshold(50_000)
gc.enable()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  Lambda's context has no type
    """Answer an API Gateway request, or the messages of the predict queue."""
    return drain(event, app.state.service) if "Records" in event else http(event, context)
