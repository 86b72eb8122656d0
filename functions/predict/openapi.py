"""The OpenAPI document: request and answer schemas generated from the use cases."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from functions.predict import openapi_schemas as schemas
from functions.predict.gate import OPEN_PATHS
from functions.predict.openapi_schemas import Schema
from tabserve.serving.service import PredictDependencies

JSON = "application/json"
TEXT_PLAIN = "text/plain; version=0.0.4; charset=utf-8"
PROBLEMS = {
    400: "The body is not strict JSON.",
    403: "The header x-api-key is missing or wrong.",
    404: "There is no such thing.",
    409: "The Idempotency-Key was used for another body.",
    413: "Too many records or too large a body; put larger sets as a CSV into the raw bucket.",
    422: "A field, or every record, breaks a rule; `errors` names each.",
    503: "A part the answer needs is away; try again after Retry-After seconds.",
}
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key repeats the first answer and predicts nothing again.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}


def document(app: FastAPI, deps: PredictDependencies) -> Schema:
    """Return the OpenAPI document of the app for the use cases that exist."""
    catalog, default = deps.catalog, deps.default_use_case
    use_cases = [catalog.get(name) for name in catalog.names()]
    base: Schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    base["components"] = {
        "schemas": schemas.components(use_cases, default),
        "securitySchemes": {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
    }
    bodies = schemas.request_bodies(use_cases, default)
    answers = schemas.answers(use_cases)
    for path, operations in base["paths"].items():
        for method, operation in operations.items():
            _finish(operation, f"{method.upper()} {path}", bodies, answers)
            if path not in OPEN_PATHS:
                operation["security"] = [{"api_key": []}]
    base["paths"]["/predict"]["post"]["parameters"] = [IDEMPOTENCY_KEY]
    return base


def _finish(operation: Schema, name: str, bodies: Schema, answers: Schema) -> None:
    if name in bodies:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": bodies[name]}}}
    content: dict[str, Any] = {JSON: {"schema": answers[name]}} if name in answers else {TEXT_PLAIN: {}}
    done = next(status for status in operation["responses"] if status.startswith("2"))
    operation["responses"] = {done: {"description": "Done.", "content": content}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in PROBLEMS.items():
        operation["responses"][str(status)] = {"description": description, "content": problem}
    operation["responses"]["403"]["content"] = {**problem, JSON: {"schema": schemas.GATEWAY_REFUSAL}}
