"""Explain why the model answers what it answers."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from functions.predict.answers import Count, Probability, json_reply
from functions.predict.problems import Described
from functions.predict.request import RawBody, StrictModel, deps_of, json_object, parse
from tabserve.serving.explain import Explained, explain

router = APIRouter(tags=["predictions"])


class ExplainBody(StrictModel):
    """One record of one use case."""

    use_case: str
    record: dict[str, Any]


class Effect(Described):
    """What a feature's value adds to the prediction."""

    feature: str
    effect: float


class ExplainAnswer(Described):
    """The effects of a record's values on the probability of one class."""

    use_case: str
    model_version: str
    class_: str | int = Field(alias="class")
    label: str
    probability: Probability
    typical_probability: Probability
    typical_records: Count
    method: Literal["exact", "sampled"]
    scale: Literal["log_odds", "probability"]
    effects: list[Effect]


@router.post("/explain", response_model=ExplainAnswer)
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
