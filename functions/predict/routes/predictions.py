"""Predict one record or a batch."""

from asyncio import to_thread
from collections.abc import Iterator, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from functions.predict.answers import Count, PredictedClass, PredictedNumber, Refused
from functions.predict.gate import invoked_by_scheduler
from functions.predict.problems import Described, failure_bodies
from functions.predict.request import KEY, deps_of, idempotency_key, predict_request, request_id_of
from tabserve.core.service import Service
from tabserve.core.target import Target
from tabserve.serving.answers import ClassAnswers, NumberAnswers
from tabserve.serving.prediction import PredictionBatch
from tabserve.serving.service import (
    Answer,
    FileAnswer,
    PredictDependencies,
    predict,
    predict_file,
    predict_once,
)

router = APIRouter(tags=["predictions"])
AnsweredBy = Annotated[
    str | None, Field(description="The version that answered, where it is another than the request's.")
]
SHOWN = 300  # characters of why a row of a file is refused
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key repeats the first answer and predicts nothing again.",
    "schema": {"type": "string", "pattern": f"^{KEY}$"},
}


class Prediction(PredictedClass):
    """The answer to a record of the request: a class."""

    index: Count
    model_version: AnsweredBy = None


class NumberPrediction(PredictedNumber):
    """The answer to a record of the request: a number."""

    index: Count
    model_version: AnsweredBy = None


class Predictions(Described):
    """One entry per record, in the order of the request."""

    request_id: str
    use_case: str
    model_version: str
    predictions: list[Prediction | NumberPrediction | Refused]


@router.post("/predict", response_model=Predictions, openapi_extra={"parameters": [IDEMPOTENCY_KEY]})
async def post_predict(request: Request) -> Response:
    """Predict one record or a batch; every answer is stored."""
    deps = deps_of(request)
    body, key = await request.body(), request.headers.get("idempotency-key")
    asked = predict_request(
        body, deps.default_use_case, request_id_of(request), scheduled=invoked_by_scheduler(request.scope)
    )
    if key is not None and asked.origin is None:
        key, digest = idempotency_key(key), sha256(body).hexdigest()
        first = await to_thread(predict_once, asked, key, digest, predictions_body, deps)
        return Response(first, media_type="application/json")
    service = request.app.state.service if "aws.context" in request.scope else None  # other servers have an access log
    if asked.origin is not None:
        of_file = await to_thread(predict_file, asked, asked.origin, deps)
        _count(asked.use_case, of_file.predicted, len(of_file.errors), service)
        return Response(file_body(of_file), media_type="application/json")
    answer = await predict(asked, deps, alone=service is not None)
    _count(asked.use_case, len(answer.batch), len(answer.errors), service)
    return Response(predictions_body(answer), media_type="application/json")


def _count(use_case: str, predicted: int, refused: int, service: Service[PredictDependencies] | None) -> None:
    """Count a call's records in CloudWatch and write them to the log."""
    if service:
        service.count(Predictions=predicted, RefusedRecords=refused)
        service.metrics.flush_metrics()
        service.log.info("predicted", use_case=use_case, rows=predicted, refused=refused)


def file_body(answer: FileAnswer) -> bytes:
    """Return what the scheduled function is told: how many rows have a prediction now, and why others were refused.

    One sentence a row: however many columns it has, the answer is small enough for an invocation.
    """
    refused = {index: "; ".join(case.message for case in cases) for index, cases in answer.errors.items()}
    short = {str(index): reason[:SHOWN] for index, reason in refused.items()}
    return orjson.dumps({"predicted": answer.predicted, "refused": short})


def predictions_body(answer: Answer) -> bytes:
    """Return the answer of `POST /predict`: one entry per record, in the order of the request."""
    batch, target = answer.batch, answer.use_case.target
    entries = _entries(batch, answer.indices, target)
    if canary := batch.canary:
        entries += _entries(canary, answer.canary_indices, target, model_version=canary.model_version)
        entries.sort(key=itemgetter("index"))
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


def _entries(batch: PredictionBatch, indices: Sequence[int], target: Target, **more: str) -> list[dict[str, Any]]:
    answers = batch.answers
    said = _classes(answers, target) if isinstance(answers, ClassAnswers) else _numbers(answers)
    rows = zip(indices, batch.ids, said, strict=True)
    return [{"index": index, "prediction_id": id_, **each, **more} for index, id_, each in rows]


def _classes(answers: ClassAnswers, target: Target) -> Iterator[dict[str, Any]]:
    labels = [target.label(index) for index in range(len(target.classes))]
    by_class = map(orjson.Fragment, answers.by_class)  # the text that is stored: encoding it again takes 2 ms for 5 000
    for chosen, confidence, probabilities in zip(answers.chosen, answers.confidences, by_class, strict=True):
        yield {
            "prediction": target.classes[chosen],
            "label": labels[chosen],
            "probability": confidence,
            "probabilities": probabilities,
        }


def _numbers(answers: NumberAnswers) -> Iterator[dict[str, Any]]:
    for value, interval in zip(answers.values, answers.intervals, strict=True):
        yield {"prediction": value, "interval": interval}
