"""Take that somebody has seen alerts."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from functions.predict.answers import Count, json_reply
from functions.predict.problems import Described
from functions.predict.request import RawBody, StrictModel, deps_of, json_object, parse
from functions.predict.routes.past_predictions import Utc
from tabserve.serving.acknowledgement import acknowledge_alerts

router = APIRouter(tags=["alerts"])


class SeenBody(StrictModel):
    """Which open alerts somebody has seen: of a rule, up to a time, of a subject or a use case where it is given."""

    rule: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
    subject: Annotated[str, Field(pattern=r"^[^\x00]{1,1024}$")] | None = None
    use_case: str | None = None
    until: Annotated[Utc, Field(strict=False)] | None = None


class SeenAlerts(Described):
    """How many alerts were open and are seen now."""

    acknowledged: Count


@router.post("/alerts/acknowledge", response_model=SeenAlerts)
def post_acknowledgement(request: Request, raw: RawBody) -> Response:
    """Note that alerts are seen: a file's alert ends by that, any other one lasts until its cause is over."""
    body = parse(SeenBody, json_object(raw))
    seen = acknowledge_alerts(
        body.rule, deps_of(request), subject=body.subject, use_case=body.use_case, until=body.until
    )
    return json_reply({"acknowledged": seen})
