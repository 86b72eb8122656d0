"""Take what really happened."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from functions.predict.answers import Count, Refused, json_reply
from functions.predict.problems import Described, failure_bodies
from functions.predict.request import EntityId, PredictionId, RawBody, StrictModel, deps_of, json_object, parse
from tabserve.core.errors import InvalidFieldError
from tabserve.serving.ground_truth import record_ground_truth
from tabserve.serving.prediction import GroundTruth
from tabserve.serving.service import MAX_RECORDS

router = APIRouter(tags=["ground truth"])


class RecordBody(StrictModel):
    """What really happened, for a prediction or for the latest prediction about an entity."""

    actual: str | int | float
    prediction_id: PredictionId = ""
    entity_id: EntityId = ""


class GroundTruthBody(StrictModel):
    """What really happened, of one use case."""

    use_case: str
    records: list[RecordBody] = Field(min_length=1, max_length=MAX_RECORDS)


class Recorded(Described):
    """How much was stored, and why the rest was not."""

    stored: Count
    errors: list[Refused]


@router.post("/ground-truth", response_model=Recorded)
def post_ground_truth(request: Request, raw: RawBody) -> Response:
    """Store ground truth; unknown predictions are reported by index, and sending it twice changes nothing."""
    body = parse(GroundTruthBody, json_object(raw))
    truths = [_ground_truth(index, record) for index, record in enumerate(body.records)]
    recorded = record_ground_truth(body.use_case, truths, deps_of(request))
    errors = [{"index": index, "error": failure_bodies([case])} for index, case in recorded.errors.items()]
    return json_reply({"stored": recorded.stored, "errors": errors})


def _ground_truth(index: int, record: RecordBody) -> GroundTruth:
    if bool(record.prediction_id) == bool(record.entity_id):
        message = f"records.{index} needs either prediction_id or entity_id."
        raise InvalidFieldError(f"records.{index}", "one_of", message)
    return GroundTruth(str(record.actual), record.prediction_id or None, record.entity_id or None)
