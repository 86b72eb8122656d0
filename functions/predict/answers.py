"""What is answered: plain dictionaries given to one encoder, and the models that describe them in the document."""

from operator import itemgetter
from typing import Annotated, Any

import orjson
from fastapi import Response
from pydantic import Field

from functions.predict.problems import Described, Failure, failure_bodies
from functions.predict.request import PredictionId
from tabserve.core.records import Source
from tabserve.serving.service import Answer

Count = Annotated[int, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Refused(Described):
    """Why a record of the request was refused."""

    index: Count
    error: list[Failure]


class Predicted(Described):
    """What a model says of a record."""

    prediction_id: PredictionId
    prediction: str | int
    label: str
    probability: Probability
    probabilities: dict[str, Probability]


class Prediction(Predicted):
    """The answer to a record of the request."""

    index: Count


class PastPrediction(Predicted):
    """A stored prediction."""

    request_id: str
    use_case: str
    model_version: str
    source: Source
    created_at: Time
    features: dict[str, Any]
    entity_id: str | None
    file_id: str | None
    row_number: Count | None


class Predictions(Described):
    """One entry per record, in the order of the request."""

    request_id: str
    use_case: str
    model_version: str
    predictions: list[Prediction | Refused]


class PastPredictions(Described):
    """Stored predictions, newest first, and where the next page begins."""

    predictions: list[PastPrediction]
    next_cursor: str | None


def json_reply(content: Any, status: int = 200) -> Response:  # noqa: ANN401  JSON can be anything
    """Answer with JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")


def predictions_body(answer: Answer) -> bytes:
    """Return the answer of `POST /predict`: one entry per record, in the order of the request."""
    batch, target = answer.batch, answer.use_case.target
    labels = [target.label(index) for index in range(len(target.classes))]
    rows = zip(answer.indices, batch.ids, batch.chosen, batch.confidences, batch.probabilities, strict=True)
    entries: list[dict[str, Any]] = [
        {
            "index": index,
            "prediction_id": id_,
            "prediction": target.classes[chosen],
            "label": labels[chosen],
            "probability": confidence,
            "probabilities": dict(zip(batch.classes, by_class, strict=True)),
        }
        for index, id_, chosen, confidence, by_class in rows
    ]
    if answer.errors:
        entries += [{"index": index, "error": failure_bodies(cases)} for index, cases in answer.errors.items()]
        entries.sort(key=itemgetter("index"))
    return orjson.dumps(
        {
            "request_id": batch.request_id,
            "use_case": batch.use_case,
            "model_version": batch.model_version,
            "predictions": entries,
        }
    )
