"""Tell what really happened."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from functions.predict.problems import failure_bodies
from functions.predict.replies import RawBody, json_reply, service_of
from functions.predict.schemas import ENTITY_ID, UUID, json_object, parse
from tabserve.core.errors import InvalidFieldError
from tabserve.serving.ground_truth import record_ground_truth
from tabserve.serving.prediction import GroundTruth

router = APIRouter(tags=["ground truth"])


class OutcomeBody(BaseModel):
    """What really happened, for a prediction or for the latest prediction about an entity."""

    model_config = ConfigDict(extra="forbid", strict=True)

    actual: str | int
    prediction_id: Annotated[str, Field(pattern=f"^{UUID}$")] = ""
    entity_id: Annotated[str, Field(pattern=ENTITY_ID)] = ""


class GroundTruthBody(BaseModel):
    """Outcomes of one use case."""

    model_config = ConfigDict(extra="forbid", strict=True)

    use_case: str
    records: list[OutcomeBody] = Field(min_length=1, max_length=5000)


@router.post("/ground-truth")
def post_ground_truth(request: Request, raw: RawBody) -> Response:
    """Store outcomes; unknown predictions and classes are reported by index, sending twice changes nothing."""
    service = service_of(request)
    body = parse(GroundTruthBody, json_object(raw))
    truths = [_ground_truth(index, record) for index, record in enumerate(body.records)]
    deps = service.deps
    recorded = record_ground_truth(body.use_case, truths, deps.catalog, deps.predictions, deps.clock)
    errors = [{"index": index, "error": failure_bodies([case])} for index, case in recorded.errors.items()]
    return json_reply({"stored": recorded.stored, "errors": errors})


def _ground_truth(index: int, record: OutcomeBody) -> GroundTruth:
    if bool(record.prediction_id) == bool(record.entity_id):
        message = f"records.{index} needs either prediction_id or entity_id."
        raise InvalidFieldError(f"records.{index}", "one_of", message)
    return GroundTruth(str(record.actual), record.prediction_id or None, record.entity_id or None)
