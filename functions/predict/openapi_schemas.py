"""JSON Schemas of what the API takes and answers, generated from the use cases."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.predict.request import ENTITY_ID, UUID
from functions.predict.routes.files import RAW_NAME
from tabserve.core.rules import MAX_FILE_BYTES
from tabserve.core.use_case import CategoryFeature, Feature, UseCase
from tabserve.serving.service import MAX_RECORDS

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = {"type": "string", "pattern": f"^{UUID}$"}
PROBABILITY: Schema = {"type": "number", "minimum": 0, "maximum": 1}
GATEWAY_REFUSAL: Schema = {"type": "object", "properties": {"message": TEXT}, "required": ["message"]}
FILE_SIZE: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_FILE_BYTES, "description": "In bytes."}
CSV_NAME: Schema = {"type": "string", "pattern": RAW_NAME}
SOURCES = ["webapp", "scheduled", "api", "queue"]
ASKING = [source for source in SOURCES if source != "scheduled"]
ENTITY: Schema = {
    "type": "string",
    "pattern": ENTITY_ID,
    "description": "Whom or what the record is about; alone, its features come from the feature store.",
}


def object_(properties: Mapping[str, Schema], optional: Sequence[str] = (), **more: object) -> Schema:
    """Return the schema of an object that has these properties and no others."""
    required = [name for name in properties if name not in optional]
    closed: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return closed | {"required": required} | more


def array(items: Schema, **more: object) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items} | more


def nullable(schema: Schema) -> Schema:
    """Return a schema that null fits as well."""
    return {"anyOf": [schema, {"type": "null"}]}


def components(use_cases: Sequence[UseCase], default: str) -> Schema:
    """Return all named schemas."""
    case = object_({"column": TEXT, "rule": TEXT, "message": TEXT})
    indexed = object_({"index": COUNT, "column": TEXT, "rule": TEXT, "message": TEXT}, optional=["index"])
    found: Schema = {
        "Refused": object_({"index": COUNT, "error": array(case)}),
        "Problem": object_(
            {"type": TEXT, "title": TEXT, "status": COUNT, "detail": TEXT, "errors": array(indexed)},
            optional=["errors"],
        ),
    }
    for use_case in use_cases:
        name = _component(use_case)
        found[f"{name}Record"] = record(use_case)
        found[f"{name}Batch"] = _batch(use_case, is_default=use_case.name == default)
        found[f"{name}Prediction"] = object_({"index": COUNT, "prediction_id": ID, **_answer_to(use_case)})
        found[f"{name}Outcomes"] = _outcomes(use_case)
        found[f"{name}PastPrediction"] = _past(use_case)
    return found


def request_bodies(use_cases: Sequence[UseCase], default: str) -> Schema:
    """Return the schema of each route's body."""
    batches = [_ref(use_case, "Batch") for use_case in use_cases]
    bare = [_ref(use_case, "Record") for use_case in use_cases if use_case.name == default]
    return {
        "POST /predict": {"anyOf": [*bare, *batches]},
        "POST /explain": {"anyOf": [_explain(use_case) for use_case in use_cases]},
        "POST /raw-files": object_(
            {"use_case": {"enum": [use_case.name for use_case in use_cases]}, "name": CSV_NAME, "size": FILE_SIZE}
        ),
        "POST /ground-truth": {"anyOf": [_ref(use_case, "Outcomes") for use_case in use_cases]},
    }


def answers(use_cases: Sequence[UseCase]) -> Schema:
    """Return the schema of each route's answer."""
    name = {"enum": [use_case.name for use_case in use_cases]}
    version = nullable(TEXT)
    refused = {"$ref": "#/components/schemas/Refused"}
    predictions = array({"anyOf": [*(_ref(use_case, "Prediction") for use_case in use_cases), refused]})
    past = array({"anyOf": [_ref(use_case, "PastPrediction") for use_case in use_cases]})
    summary = object_({"name": TEXT, "title": TEXT, "description": TEXT, "task": TEXT})
    card: Schema = {"type": "object", "required": ["version", "metrics", "created_at"]}
    return {
        "POST /predict": object_(
            {"request_id": TEXT, "use_case": name, "model_version": TEXT, "predictions": predictions}
        ),
        "GET /past-predictions": object_({"predictions": past, "next_cursor": nullable(TEXT)}),
        "POST /ground-truth": object_({"stored": COUNT, "errors": array(refused)}),
        "GET /features/{use_case}/{entity_id}": object_(
            {"use_case": name, "entity_id": TEXT, "features": {"type": "object"}, "event_time": TIME}
        ),
        "GET /use-cases": object_({"use_cases": array(summary), "default": nullable(name)}),
        "GET /use-cases/{name}": {"type": "object", "required": ["name", "features", "target", "contract_sha256"]},
        "GET /model": object_(
            {
                "use_case": name,
                "serving": TEXT,
                "champion": nullable(card),
                "challenger": nullable(card),
                "versions": array(card),
            }
        ),
        "POST /reload-model": object_({"serving": {"type": "object", "additionalProperties": version}}),
        "POST /explain": {"type": "object", "required": ["use_case", "model_version", "probability", "effects"]},
        "POST /raw-files": object_({"key": TEXT, "upload_url": TEXT}),
        "GET /raw-files/{file_id}": {"type": "object", "required": ["file_id", "url"]},
        "GET /reports/{file_id}": object_({"file_id": TEXT, "url": TEXT}),
        "GET /health": object_({"status": {"enum": ["ok", "degraded"]}, "database": {"type": "boolean"}}),
    }


def record(use_case: UseCase) -> Schema:
    """Return the schema of one record: its features, or only the id of an entity of the feature store."""
    features = {feature.name: _feature(feature) for feature in use_case.features}
    optional = [feature.name for feature in use_case.features if not feature.required]
    title = f"A record of {use_case.title or use_case.name}"
    examples = {"examples": [use_case.example]} if use_case.example else {}
    entity = {**ENTITY, "type": ["string", "null"]}
    whole = object_({**features, "entity_id": entity}, optional=[*optional, "entity_id"], title=title, **examples)
    return {"description": use_case.description, "anyOf": [whole, object_({"entity_id": ENTITY})]}


def _feature(feature: Feature) -> Schema:
    title = f"{feature.description or feature.name}{f' ({feature.unit})' if feature.unit else ''}"
    if isinstance(feature, CategoryFeature):
        return {"title": title, "enum": [*feature.categories, *([] if feature.required else [None])]}
    kinds = feature.type if feature.required else [feature.type, "null"]
    return {"title": title, "type": kinds, "minimum": feature.minimum, "maximum": feature.maximum}


def _batch(use_case: UseCase, *, is_default: bool) -> Schema:
    properties: Schema = {
        "use_case": {"const": use_case.name},
        "source": {"enum": ASKING, "default": "api"},
        "records": array(_ref(use_case, "Record"), minItems=1, maxItems=MAX_RECORDS),
    }
    return object_(properties, optional=["source", "use_case"] if is_default else ["source"])


def _answer_to(use_case: UseCase) -> Schema:
    target = use_case.target
    return {
        "prediction": {"enum": list(target.classes)},
        "label": {"enum": list(target.labels or target.texts)},
        "probability": PROBABILITY,
        "probabilities": object_(dict.fromkeys(target.texts, PROBABILITY)),
    }


def _explain(use_case: UseCase) -> Schema:
    return object_({"use_case": {"const": use_case.name}, "record": record(use_case)["anyOf"][0]})


def _outcomes(use_case: UseCase) -> Schema:
    actual = {"enum": list(dict.fromkeys([*use_case.target.classes, *use_case.target.texts]))}
    by_prediction = object_({"actual": actual, "prediction_id": ID})
    by_entity = object_({"actual": actual, "entity_id": {"type": "string", "pattern": ENTITY_ID}})
    records = array({"anyOf": [by_prediction, by_entity]}, minItems=1, maxItems=MAX_RECORDS)
    return object_({"use_case": {"const": use_case.name}, "records": records})


def _past(use_case: UseCase) -> Schema:
    whose: Schema = {"request_id": TEXT, "use_case": {"const": use_case.name}, "model_version": TEXT}
    when: Schema = {"source": {"enum": SOURCES}, "created_at": TIME, "features": {"type": "object"}}
    origin = {"entity_id": nullable(TEXT), "file_id": nullable(TEXT), "row_number": nullable(COUNT)}
    return object_({"prediction_id": ID, **whose, **when, **_answer_to(use_case), **origin})


def _component(use_case: UseCase) -> str:
    return use_case.name.capitalize()  # with its separators, or two use cases could share a schema


def _ref(use_case: UseCase, kind: str) -> Schema:
    return {"$ref": f"#/components/schemas/{_component(use_case)}{kind}"}
