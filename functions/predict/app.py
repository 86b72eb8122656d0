"""The prediction API as a Lambda function, and as an ASGI app for any other server."""

from fastapi import FastAPI
from mangum import Mangum

from functions.predict import openapi
from functions.predict.gate import Gate
from functions.predict.problems import add_problem_handlers
from functions.predict.routes import models, operations, predictions
from tabserve.bootstrap import predict_service

TEXT = ["text/", "application/json", "application/problem+json"]

service = predict_service()
app = FastAPI(title="tabserve", version="1", summary="Predictions of tabular models", docs_url=None, redoc_url=None)
app.state.service = service
app.add_middleware(Gate, api_key=service.settings.api_key)
add_problem_handlers(app, service.log)
for module in (predictions, models, operations):
    app.include_router(module.router)
app.openapi = lambda: openapi.document(app, service)  # type: ignore[method-assign]  # FastAPI's documented way

handler = Mangum(app, lifespan="off", text_mime_types=TEXT)
