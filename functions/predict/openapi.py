"""The OpenAPI document: FastAPI's own, with what the use cases make of the records that are taken and answered."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from functions.predict.gate import OPEN_PATHS
from functions.predict.problems import PROBLEMS, Problem
from functions.predict.request import ENTITY_ID, UUID
from functions.predict.routes.files import RAW_NAME
from functions.predict.routes.release import LINE
from tabserve.core.features import (
    BooleanFeature,
    CategoryFeature,
    DateFeature,
    Feature,
    NumberFeature,
    TextFeature,
)
from tabserve.core.records import Source
from tabserve.core.rules import MAX_CATEGORY, MAX_FILE_BYTES
from tabserve.core.use_case import UseCase
from tabserve.registry.version import VERSION
from tabserve.serving.release import Move
from tabserve.serving.service import MAX_RECORDS, PredictDependencies

Schema = dict[str, Any]
JSON: Final = "application/json"
PROBABILITY: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
REFS: Final = "#/components/schemas/"
ID: Final[Schema] = {"type": "string", "pattern": f"^{UUID}$"}
GATEWAY_REFUSAL: Final[Schema] = {
    "type": "object",
    "properties": {"message": {"type": "string"}},
    "required": ["message"],
}
# Each use case has its own in place of the first four.
UNUSED: Final = (
    *("Prediction", "NumberPrediction", "PastPrediction", "PastNumberPrediction"),
    *("HTTPValidationError", "ValidationError"),
)
FILE_SIZE: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": MAX_FILE_BYTES, "description": "In bytes."}
RELEASE: Final[Schema] = {
    "action": {"enum": list(get_args(Move))},
    "by": {"type": "string", "pattern": LINE, "minLength": 1, "maxLength": 80, "description": "Who makes the move."},
    "reason": {"type": "string", "pattern": LINE, "minLength": 1, "maxLength": 500, "description": "Why."},
    "expected": {"type": "integer", "minimum": 0, "description": "The number of the last move that they saw."},
    "version": {"type": "string", "pattern": f"^{VERSION.pattern}$", "description": "Of promote, shadow and canary."},
    "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "description": "Of canary: of the entities."},
}
ENTITY: Final[Schema] = {
    "type": "string",
    "pattern": ENTITY_ID,
    "description": "Whom or what the record is about; alone, its features come from the feature store.",
}


def document(app: FastAPI, deps: PredictDependencies) -> Schema:
    """Return the OpenAPI document of the app for the use cases that exist."""
    use_cases = [deps.catalog.get(name) for name in deps.catalog.names()]
    described: Schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    answers = described["components"]["schemas"]
    _, models = models_json_schema([(Problem, "validation")], ref_template=f"{REFS}{{model}}")
    schemas: Schema = {**answers, **models["$defs"]}
    for use_case in use_cases:
        schemas |= _schemas(use_case, answers, is_default=use_case.name == deps.default_use_case)
    predictions = [_ref(f"{_component(use_case)}Prediction") for use_case in use_cases]
    past = [_ref(f"{_component(use_case)}PastPrediction") for use_case in use_cases]
    schemas["Predictions"]["properties"]["predictions"]["items"] = {"anyOf": [*predictions, _ref("Refused")]}
    schemas["PastPredictions"]["properties"]["predictions"]["items"] = {"anyOf": past}
    described["components"] = {
        "schemas": {name: schema for name, schema in schemas.items() if name not in UNUSED},
        "securitySchemes": {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
    }
    bodies = _request_bodies(use_cases, deps.default_use_case)
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if body := bodies.get(f"{method.upper()} {path}"):
                operation["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
            operation["responses"] |= _problems()
            if path not in OPEN_PATHS:
                operation["security"] = [{"api_key": []}]
    return described


def _problems() -> Schema:
    content: Schema = {"application/problem+json": {"schema": _ref("Problem")}}
    by_gateway: dict[int, Schema] = {403: {JSON: {"schema": GATEWAY_REFUSAL}}}
    return {
        str(status): {"description": text, "content": content | by_gateway.get(status, {})}
        for status, text in PROBLEMS.items()
    }


def _request_bodies(use_cases: Sequence[UseCase], default: str) -> Schema:
    """Return the schema of each route's body."""
    batches = [_ref(f"{_component(use_case)}Batch") for use_case in use_cases]
    bare = [_ref(f"{_component(use_case)}Record") for use_case in use_cases if use_case.name == default]
    name = {"enum": [use_case.name for use_case in use_cases]}
    return {
        "POST /predict": {"anyOf": [*bare, *batches]},
        "POST /explain": {"anyOf": [_explain(use_case) for use_case in use_cases]},
        "POST /raw-files": _object(
            {"use_case": name, "name": {"type": "string", "pattern": RAW_NAME}, "size": FILE_SIZE}
        ),
        "POST /use-cases/{name}/release": _object(RELEASE, optional=["version", "share"]),
        "POST /ground-truth": {"anyOf": [_ref(f"{_component(use_case)}Outcomes") for use_case in use_cases]},
    }


def _schemas(use_case: UseCase, answers: Schema, *, is_default: bool) -> Schema:
    """Return a use case's schemas: its records, batches and ground truth, and its predictions."""
    name = _component(use_case)
    return {
        f"{name}Record": _record(use_case),
        f"{name}Batch": _batch(use_case, is_default=is_default),
        f"{name}Outcomes": _ground_truth(use_case),
        f"{name}Prediction": _predicted(use_case, answers, "Prediction"),
        f"{name}PastPrediction": _predicted(use_case, answers, "PastPrediction"),
    }


def _record(use_case: UseCase) -> Schema:
    """Return the schema of one record: its features, or only the id of an entity of the feature store."""
    features = {feature.name: _feature(feature) for feature in use_case.features}
    optional = [feature.name for feature in use_case.features if not feature.required]
    title = f"A record of {use_case.title or use_case.name}"
    examples = {"examples": [use_case.example]} if use_case.example else {}
    entity = {**ENTITY, "type": ["string", "null"]}
    whole = _object({**features, "entity_id": entity}, optional=[*optional, "entity_id"], title=title, **examples)
    return {"description": use_case.description, "anyOf": [whole, _object({"entity_id": ENTITY})]}


def _feature(feature: Feature) -> Schema:
    title = f"{feature.description or feature.name}{f' ({feature.unit})' if feature.unit else ''}"
    if isinstance(feature, CategoryFeature) and not feature.is_open:
        return {"title": title, "enum": [*feature.categories, *([] if feature.required else [None])]}
    schema = _values(feature)
    return {"title": title, **schema, "type": schema["type"] if feature.required else [schema["type"], "null"]}


def _values(feature: Feature) -> Schema:
    match feature:
        case NumberFeature():
            limits = {"minimum": feature.minimum if feature.has_minimum else None}
            limits["maximum"] = feature.maximum if feature.has_maximum else None
            return {"type": feature.type, **{name: limit for name, limit in limits.items() if limit is not None}}
        case BooleanFeature():
            return {"type": "boolean"}
        case DateFeature(type="date"):
            return {"type": "string", "description": "A date in ISO 8601.", "examples": ["2026-01-31"]}
        case DateFeature():
            text = f"A time in ISO 8601; without an offset it is one of a clock in {feature.timezone}."
            return {"type": "string", "description": text, "examples": ["2026-01-31T12:00:00"]}
        case TextFeature():
            return {"type": "string", "minLength": 1, "maxLength": feature.max_length}
        case _:
            return {"type": "string", "minLength": 1, "maxLength": MAX_CATEGORY}


def _batch(use_case: UseCase, *, is_default: bool) -> Schema:
    properties: Schema = {
        "use_case": {"const": use_case.name},
        "source": {"enum": [source for source in get_args(Source) if source != "scheduled"], "default": "api"},
        "records": _records(_ref(f"{_component(use_case)}Record")),
    }
    return _object(properties, optional=["source", "use_case"] if is_default else ["source"])


def _explain(use_case: UseCase) -> Schema:
    return _object({"use_case": {"const": use_case.name}, "record": _record(use_case)["anyOf"][0]})


def _ground_truth(use_case: UseCase) -> Schema:
    target = use_case.target
    actual: Schema = {"enum": list(dict.fromkeys([*target.classes, *target.texts]))}
    if use_case.is_regression:
        limits = {"minimum": target.minimum, "maximum": target.maximum}
        actual = {"type": "number", **{name: limit for name, limit in limits.items() if limit is not None}}
    by_prediction = _object({"actual": actual, "prediction_id": ID})
    by_entity = _object({"actual": actual, "entity_id": {"type": "string", "pattern": ENTITY_ID}})
    return _object({"use_case": {"const": use_case.name}, "records": _records({"anyOf": [by_prediction, by_entity]})})


def _predicted(use_case: UseCase, answers: Schema, kind: str) -> Schema:
    """Return the schema of an answer with this use case's classes and labels, or with its number."""
    target, answer = use_case.target, answers[kind]
    known: Schema = {}
    if use_case.is_regression:
        answer = answers[kind.replace("Prediction", "NumberPrediction")]
    else:
        known = {
            "prediction": {"enum": list(target.classes)},
            "label": {"enum": list(target.labels or target.texts)},
            "probabilities": _object(dict.fromkeys(target.texts, PROBABILITY)),
        }
    properties = answer["properties"]
    if "use_case" in properties:
        known["use_case"] = {"const": use_case.name}
    return {**answer, "title": f"{_component(use_case)}{kind}", "properties": {**properties, **known}}


def _records(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_RECORDS}


def _object(properties: Mapping[str, Schema], optional: Sequence[str] = (), **more: object) -> Schema:
    """Return the schema of an object that has these properties and no others."""
    required = [name for name in properties if name not in optional]
    closed: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return closed | {"required": required} | more


def _component(use_case: UseCase) -> str:
    return use_case.name.capitalize()  # with its separators, or two use cases could share a schema


def _ref(name: str) -> Schema:
    return {"$ref": f"{REFS}{name}"}
