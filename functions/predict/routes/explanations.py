"""Tell why the model answers what it answers."""

from typing import Any

from fastapi import APIRouter, Request, Response

from functions.predict.answers import json_reply
from functions.predict.request import RawBody, StrictModel, deps_of, json_object, parse
from tabserve.serving.explain import Explained, explain

router = APIRouter(tags=["predictions"])


class ExplainBody(StrictModel):
    """One record of one use case."""

    use_case: str
    record: dict[str, Any]


@router.post("/explain")
def post_explain(request: Request, raw: RawBody) -> Response:
    """Tell what each value of a record adds to its prediction; nothing is stored."""
    body = parse(ExplainBody, json_object(raw))
    return json_reply(_body(explain(body.use_case, body.record, deps_of(request))))


def _body(explained: Explained) -> dict[str, Any]:
    found, target = explained.explanation, explained.use_case.target
    return {
        "use_case": explained.use_case.name,
        "model_version": explained.model_version,
        "class": target.classes[found.class_index],
        "label": target.label(found.class_index),
        "probability": found.probability,
        "typical_probability": found.typical_probability,
        "typical_records": found.typical_records,
        "method": found.method,
        "scale": found.scale,
        "effects": [{"feature": name, "effect": effect} for name, effect in found.effects.items()],
    }
