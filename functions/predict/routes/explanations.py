"""Explain why the model answers what it answers."""

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from functions.predict.answers import Count, Probability, json_reply
from functions.predict.problems import Described
from functions.predict.request import RawBody, StrictModel, deps_of, json_object, parse
from tabserve.core.target import Target

if TYPE_CHECKING:
    from tabserve.serving.explain import ExplainedRecord
    from tabserve.serving.explanation import Explanation

router = APIRouter(tags=["predictions"])


class ExplainBody(StrictModel):
    """One record of one use case."""

    use_case: str
    record: dict[str, Any]


class Effect(Described):
    """What a feature's value, of the record or derived from it, adds to the prediction."""

    feature: str
    value: str | float | bool | None
    effect: float


class Explained(Described):
    """The effects of what the model takes of a record: values, and what is derived from them."""

    use_case: str
    model_version: str
    typical_records: Count
    method: Literal["exact", "sampled"]
    effects: list[Effect]


class ExplainedClass(Explained):
    """The effects on the probability of one class."""

    class_: str | int = Field(alias="class")
    label: str
    probability: Probability
    typical_probability: Probability
    scale: Literal["log_odds", "probability"]


class ExplainedNumber(Explained):
    """The effects on the predicted number, in its unit."""

    value: float
    typical_value: float
    scale: Literal["value"]


@router.post("/explain", response_model=ExplainedClass | ExplainedNumber)
def post_explain(request: Request, raw: RawBody) -> Response:
    """Tell what each value of a record adds to its prediction; nothing is stored."""
    from tabserve.serving.explain import explain  # predictions need none of it

    body = parse(ExplainBody, json_object(raw))
    return json_reply(_body(explain(body.use_case, body.record, deps_of(request))))


def _body(explained: "ExplainedRecord") -> dict[str, Any]:
    found = explained.explanation
    return {
        "use_case": explained.use_case.name,
        "model_version": explained.model_version,
        **_answer(found, explained.use_case.target),
        "typical_records": found.typical_records,
        "method": found.method,
        "scale": found.scale,
        "effects": [
            {"feature": name, "value": explained.inputs[name], "effect": effect}
            for name, effect in found.effects.items()
        ],
    }


def _answer(found: "Explanation", target: Target) -> dict[str, Any]:
    if found.class_index is None:
        return {"value": found.answer, "typical_value": found.typical_answer}
    return {
        "class": target.classes[found.class_index],
        "label": target.label(found.class_index),
        "probability": found.answer,
        "typical_probability": found.typical_answer,
    }
