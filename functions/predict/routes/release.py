"""Which version answers, how that came about, and to change it; a version's card."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from functions.predict.answers import Count, Time, json_reply
from functions.predict.problems import Described
from functions.predict.request import MAX_INTEGER, RawBody, StrictModel, deps_of, json_object, parse
from tabserve.core.errors import InvalidFieldError
from tabserve.registry.release import Mover
from tabserve.registry.standing import Action, Standing, TrialKind
from tabserve.registry.version import VERSION
from tabserve.serving.release import Move, make_move, model_card, release
from tabserve.serving.trial import Role

router = APIRouter(tags=["models"])
OF_A_VERSION: Final = frozenset({"promote", "shadow", "canary"})
# No control characters, no line ends, and none that change the direction of what stands beside them.
LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"


def _line(text: str) -> str:
    if not re.fullmatch(LINE, text):
        raise PydanticCustomError("not_a_line", "say it in one line of text, without control characters")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_line)]
VersionName = Annotated[str, StringConstraints(pattern=f"^{VERSION.pattern}$")]
UseCaseOf = Annotated[str, Query(max_length=40)]
# A card is a page of its own: styles and pictures inside it, no script, no form, nothing from anywhere.
HTML: Final = "text/html; charset=utf-8"
CARD_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
}


class ReleaseBody(StrictModel):
    """A move of the champion: who makes it, why, and the number of the last move that they saw."""

    action: Move
    by: Annotated[Line, StringConstraints(max_length=80)]
    reason: Annotated[Line, StringConstraints(max_length=500)]
    expected: Annotated[int, Field(ge=0, le=MAX_INTEGER)]
    version: VersionName | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None


class Trial(Described):
    """A challenger beside the champion: a shadow scores the same records, a canary answers a share of the entities."""

    kind: TrialKind
    version: str
    share: Annotated[float, Field(gt=0, le=1)]


class ReleaseMove(Described):
    """One move, and what was so after it; `previous` is the champion before it."""

    number: Count
    action: Action | None
    previous: str | None
    champion: str | None
    trial: Trial | None
    retired: bool
    at: Time | None
    by: str
    reason: str


class TrialScoring(Described):
    """How a version scores since the trial began; `median` and `p95` of a call, in seconds."""

    role: Role
    version: str
    calls: Count
    failures: Count
    records: Count
    median: float | None
    p95: float | None


class ReleaseAnswer(Described):
    """Which version is champion, which one is on trial beside it, and the last 100 moves, newest first.

    `challenger` was trained last, `before` is what a rollback leads to. `number` is that of the last move: who makes
    the next one says it as `expected`.
    """

    use_case: str
    champion: str | None
    challenger: str | None
    before: str | None
    trial: Trial | None
    retired: bool
    number: Count
    moves: list[ReleaseMove]
    scoring: list[TrialScoring]


@router.get("/use-cases/{name}/release", response_model=ReleaseAnswer)
def get_release(request: Request, name: str) -> Response:
    """Tell which version is champion, which one is on trial, and who moved what when and why."""
    found = release(name, deps_of(request))
    now = found.standing
    return json_reply(
        {
            "use_case": found.use_case,
            "champion": now.version,
            "challenger": found.challenger,
            "before": found.before,
            "trial": now.trial,
            "retired": now.retired,
            "number": now.number,
            "moves": [_move(each) for each in found.moves],
            "scoring": found.scoring,
        }
    )


@router.post("/use-cases/{name}/release", response_model=ReleaseMove)
def post_release(request: Request, name: str, raw: RawBody) -> Response:
    """Promote a version, roll back, retire the use case, or start or stop a trial; every instance follows within 30 s.

    `version` is of `promote`, `shadow` and `canary`, `share` of `canary`. When somebody moved the champion after the
    move `expected`, nothing is changed, and the answer says what they did.
    """
    body = parse(ReleaseBody, json_object(raw))
    _require("version", body.version, needed=body.action in OF_A_VERSION, action=body.action)
    _require("share", body.share, needed=body.action == "canary", action=body.action)
    mover = Mover(body.by, body.reason, body.expected)
    moved = make_move(name, body.action, mover, deps_of(request), version=body.version or "", share=body.share or 1.0)
    return json_reply(_move(moved))


@router.get("/models/{version}/card", response_class=Response, responses={200: {"content": {HTML: {}}}})
def get_card(request: Request, version: VersionName, use_case: UseCaseOf) -> Response:
    """Return a version's model card, an HTML document: data, metrics, pictures, limits and how it was found."""
    return Response(model_card(use_case, version, deps_of(request)), media_type=HTML, headers=CARD_HEADERS)


def _require(field: str, value: object, *, needed: bool, action: str) -> None:
    if needed and value is None:
        raise InvalidFieldError(field, "missing", f"{field} is required to {action}.")
    if value is not None and not needed:
        raise InvalidFieldError(field, "extra_forbidden", f"{field} says nothing to {action}; leave it out.")


def _move(stands: Standing) -> dict[str, Any]:
    return {
        "number": stands.number,
        "action": stands.action,
        "previous": stands.previous,
        "champion": stands.version,
        "trial": stands.trial,
        "retired": stands.retired,
        "at": stands.at,
        "by": stands.by,
        "reason": stands.reason,
    }
