"""The OpenAPI document: request and answer schemas generated from the use cases."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from functions.predict.gate import OPEN_PATHS
from functions.predict.schemas import ENTITY_ID
from tabserve.application.predict import MAX_RECORDS
from tabserve.bootstrap.predict import PredictService
from tabserve.domain.use_case import CategoryFeature, Feature, UseCase

Schema = dict[str, Any]
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
ENTITY: Schema = {
    "type": "string",
    "pattern": ENTITY_ID,
    "description": "Whom or what the record is about; alone, its features come from the feature store.",
}
PROBLEMS = {
    400: "The body is not strict JSON.",
    403: "The header x-api-key is missing or wrong.",
    404: "There is no such thing.",
    409: "The Idempotency-Key was used for another body.",
    413: "Too many records or too large a body; put larger sets as a CSV into the raw bucket.",
    422: "A field, or every record, breaks a rule; `errors` names each.",
    503: "A part the answer needs is away; try again after Retry-After seconds.",
}


def document(app: FastAPI, service: PredictService) -> Schema:
    """Return the OpenAPI document of the app for the use cases that exist."""
    catalog, default = service.deps.catalog, service.settings.default_use_case
    use_cases = [catalog.get(name) for name in catalog.names()]
    base = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas: Schema = base.setdefault("components", {}).setdefault("schemas", {})
    for unused in [name for name in schemas if name.startswith(("HTTPValidationError", "ValidationError"))]:
        del schemas[unused]
    bodies = {use_case.name: _add_use_case(schemas, use_case, use_case.name == default) for use_case in use_cases}
    schemas |= _shared_schemas()
    _describe_predict(base["paths"]["/predict"]["post"], bodies)
    base["components"]["securitySchemes"] = {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}}
    for path, operations in base["paths"].items():
        for operation in operations.values():
            _finish(operation, secured=path not in OPEN_PATHS)
    return base


def record_schema(use_case: UseCase) -> Schema:
    """Return the JSON Schema of one record with its features."""
    properties = {feature.name: _feature_schema(feature) for feature in use_case.features} | {"entity_id": ENTITY}
    schema: Schema = {
        "type": "object",
        "title": f"A record of {use_case.title or use_case.name}",
        "description": use_case.description,
        "properties": properties,
        "required": [feature.name for feature in use_case.features if feature.required],
        "additionalProperties": False,
    }
    return schema | ({"examples": [use_case.example]} if use_case.example else {})


def _feature_schema(feature: Feature) -> Schema:
    title = f"{feature.description or feature.name}{f' ({feature.unit})' if feature.unit else ''}"
    if isinstance(feature, CategoryFeature):
        allowed = [*feature.categories] if feature.required else [*feature.categories, None]
        return {"title": title, "enum": allowed}
    kinds = feature.type if feature.required else [feature.type, "null"]
    return {"title": title, "type": kinds, "minimum": feature.minimum, "maximum": feature.maximum}


def _add_use_case(schemas: Schema, use_case: UseCase, is_default: bool) -> list[Schema]:
    name = use_case.name.title().replace("_", "").replace("-", "")
    schemas[f"{name}Record"] = record_schema(use_case)
    record = {"$ref": f"#/components/schemas/{name}Record"}
    schemas[f"{name}Batch"] = _batch_schema(use_case, record, is_default)
    schemas[f"{name}Prediction"] = _prediction_schema(use_case)
    batch = {"$ref": f"#/components/schemas/{name}Batch"}
    return [record, batch] if is_default else [batch]


def _batch_schema(use_case: UseCase, record: Schema, is_default: bool) -> Schema:
    records: Schema = {"type": "array", "minItems": 1, "maxItems": MAX_RECORDS, "items": record}
    return {
        "type": "object",
        "properties": {
            "use_case": {"const": use_case.name},
            "source": {"enum": ["webapp", "scheduled", "api", "queue"], "default": "api"},
            "records": records,
        },
        "required": ["records"] if is_default else ["use_case", "records"],
        "additionalProperties": False,
    }


def _prediction_schema(use_case: UseCase) -> Schema:
    target = use_case.target
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    return _object(
        {
            "index": {"type": "integer", "minimum": 0},
            "prediction_id": {"type": "string", "format": "uuid"},
            "prediction": {"enum": list(target.classes)},
            "label": {"enum": list(target.labels or target.texts)},
            "probability": probability,
            "probabilities": _object(dict.fromkeys(target.texts, probability)),
        }
    )


def _shared_schemas() -> Schema:
    text = {"type": "string"}
    case = _object({"column": text, "rule": text, "message": text})
    indexed = {**case, "properties": {**case["properties"], "index": {"type": "integer", "minimum": 0}}}
    return {
        "FailureCase": case,
        "Refused": _object({"index": {"type": "integer", "minimum": 0}, "error": {"type": "array", "items": case}}),
        "Problem": {
            "type": "object",
            "properties": {
                "type": text,
                "title": text,
                "status": {"type": "integer"},
                "detail": text,
                "errors": {"type": "array", "items": indexed},
            },
            "required": ["type", "title", "status", "detail"],
        },
    }


def _describe_predict(operation: Schema, bodies: Mapping[str, list[Schema]]) -> None:
    alternatives = [schema for schemas in bodies.values() for schema in schemas]
    operation["requestBody"] = {"required": True, "content": {JSON: {"schema": {"anyOf": alternatives}}}}
    names = [name.title().replace("_", "").replace("-", "") for name in bodies]
    entries = [{"$ref": f"#/components/schemas/{name}Prediction"} for name in names]
    answer = _object(
        {
            "request_id": {"type": "string", "format": "uuid"},
            "use_case": {"enum": list(bodies)},
            "model_version": {"type": "string"},
            "predictions": {
                "type": "array",
                "items": {"anyOf": [*entries, {"$ref": "#/components/schemas/Refused"}]},
            },
        }
    )
    operation["responses"] = {"200": {"description": "One entry per record.", "content": {JSON: {"schema": answer}}}}


def _finish(operation: Schema, *, secured: bool) -> None:
    problem = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in PROBLEMS.items():
        operation["responses"][str(status)] = {"description": description, "content": problem}
    if secured:
        operation["security"] = [{"api_key": []}]


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
