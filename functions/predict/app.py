"""The prediction API as a Lambda function, and as an ASGI app for any other server."""

import asyncio
import gc
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from functions.predict import openapi
from functions.predict.gate import Gate
from functions.predict.metering import Metering
from functions.predict.problems import add_problem_handlers
from functions.predict.queue import drain, is_queue_event
from functions.predict.routes import explanations, features, files, models, operations, outcomes, predictions
from functions.predict.routes.plain import PlainRoute
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
app.add_middleware(Gate, api_key=service.settings.api_key)
app.add_middleware(Metering, meter=service.meter, counter=service.deps.predictions, log=service.log)
add_problem_handlers(app, service.log)
for module in (predictions, explanations, outcomes, features, files, models, operations):
    app.include_router(module.router)
app.router.routes.insert(0, PlainRoute("/predict", predictions.post_predict, methods=["POST"]))
app.openapi = lambda: openapi.document(app, app.state.service)  # type: ignore[method-assign]  # FastAPI's documented way

queue_loop = asyncio.Runner(loop_factory=asyncio.new_event_loop)  # asyncio.run would take Mangum's away
http = Mangum(app, lifespan="off", text_mime_types=TEXT)
# What was imported stays, and a batch makes thousands of objects but no cycles; looking for some cost calls 50 ms.
gc.freeze()
gc.set_threshold(50_000)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  Lambda's context has no type
    """Answer an API Gateway request, or the messages of the predict queue."""
    if not is_queue_event(event):
        return http(event, context)
    return queue_loop.run(drain(event, app.state.service))
