"""What is answered: plain dictionaries and models, given to one encoder."""

from typing import Annotated, Any

import orjson
from fastapi import Response
from pydantic import BaseModel, Field

from functions.predict.problems import Described, Failure
from functions.predict.request import PredictionId

Count = Annotated[int, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Refused(Described):
    """Why a record of the request was refused."""

    index: Count
    error: list[Failure]


class PredictedClass(Described):
    """What a model says of a record: a class."""

    prediction_id: PredictionId
    prediction: str | int
    label: str
    probability: Probability
    probabilities: dict[str, Probability]


class PredictedNumber(Described):
    """What a model says of a record: a number, and the interval around it.

    The interval holds the true number as often as the version's card says; a version without that has none.
    """

    prediction_id: PredictionId
    prediction: float
    interval: Annotated[list[float], Field(min_length=2, max_length=2)] | None


def json_reply(content: Any, status: int = 200) -> Response:  # noqa: ANN401  JSON can be anything
    """Answer with JSON, of plain values and models."""
    return Response(orjson.dumps(content, default=_plain), status, media_type="application/json")


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")
