"""Take that somebody has seen alerts."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from functions.predict.answers import Count, json_reply
from functions.predict.problems import Described
from functions.predict.request import RawBody, StrictModel, deps_of, json_object, parse
from functions.predict.routes.past_predictions import Utc
from tabserve.serving.acknowledgement import acknowledge_alerts
from tabserve.serving.service import MAX_RECORDS

router = APIRouter(tags=["alerts"])
# Not with the length in the pattern: compiling that takes 10 ms of a cold start.
Subject = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00]*$")]


class SeenBody(StrictModel):
    """Which open alerts somebody has seen: of a rule, up to a time, of some subjects or a use case where given."""

    rule: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
    subjects: Annotated[list[Subject], Field(min_length=1, max_length=MAX_RECORDS)] | None = None
    use_case: str | None = None
    until: Annotated[Utc, Field(strict=False)] | None = None


class SeenAlerts(Described):
    """How many alerts were open and are seen now."""

    acknowledged: Count


@router.post("/alerts/acknowledge", response_model=SeenAlerts)
def post_acknowledgement(request: Request, raw: RawBody) -> Response:
    """Note that alerts are seen: a file's alert ends by that, any other one lasts until its cause is over."""
    body = parse(SeenBody, json_object(raw))
    subjects = None if body.subjects is None else tuple(body.subjects)
    seen = acknowledge_alerts(body.rule, deps_of(request), subjects=subjects, use_case=body.use_case, until=body.until)
    return json_reply({"acknowledged": seen})
