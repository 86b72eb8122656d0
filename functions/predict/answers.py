"""What is answered: plain dictionaries, and one encoder for all of them."""

from operator import itemgetter
from typing import Any

import orjson
from fastapi import Response

from functions.predict.problems import failure_bodies
from tabserve.serving.service import Answer


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
