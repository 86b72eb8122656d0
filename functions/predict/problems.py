"""Errors as RFC 9457 problem bodies: one table from error type to status."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import orjson
from aws_lambda_powertools import Logger
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from tabserve.core.errors import (
    AliasMovedError,
    IdempotencyConflictError,
    InvalidFieldError,
    LeaseLostError,
    MalformedBodyError,
    ModelError,
    NoValidRecordsError,
    ReleaseError,
    RequestError,
    TabserveError,
    TooManyRecordsError,
    UnavailableError,
    UnknownFileError,
    UnknownUseCaseError,
    UnknownVersionError,
)
from tabserve.core.records import FailureCase

INTERNAL = 500
UNAVAILABLE = 503
RETRY_AFTER_SECONDS = 2

PROBLEMS: Final[Mapping[int, str]] = {
    400: "The body is not strict JSON.",
    403: "The header x-api-key is missing or wrong.",
    404: "There is no such thing.",
    409: "The Idempotency-Key was used for another body, or somebody else moved the champion meanwhile.",
    413: "Too many records or too large a body; put larger sets as a CSV into the raw bucket.",
    422: "A field, or every record, breaks a rule; `errors` names each.",
    UNAVAILABLE: "A part the answer needs is unavailable; try again after Retry-After seconds.",
}


class Described(BaseModel):
    """An answer with these fields and no others.

    It is built when it is first needed, by its route or by the document: most answers are plain dictionaries, and a
    test holds real ones against the document.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True, from_attributes=True, protected_namespaces=())


class Failure(Described):
    """A rule that a value breaks."""

    column: str
    rule: str
    message: str


class IndexedFailure(Failure):
    """A rule that a record of the request breaks."""

    index: Annotated[int, Field(ge=0)]


class Problem(Described):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Failure | IndexedFailure] = []


# The first type that an error is an instance of decides.
STATUS: Sequence[tuple[type[TabserveError], int, str]] = (
    (UnknownUseCaseError, 404, "unknown-use-case"),
    (UnknownVersionError, 404, "unknown-version"),
    (UnknownFileError, 404, "unknown-file"),
    (TooManyRecordsError, 413, "too-many-records"),
    (IdempotencyConflictError, 409, "idempotency-conflict"),
    (MalformedBodyError, 400, "malformed-body"),
    (LeaseLostError, 409, "lease-lost"),
    (AliasMovedError, 409, "moved-meanwhile"),
    (ReleaseError, 422, "not-released"),
    (RequestError, 422, "invalid-request"),
    (ModelError, UNAVAILABLE, "no-model"),
    (UnavailableError, UNAVAILABLE, "unavailable"),
    (TabserveError, INTERNAL, "internal-error"),
)


def problem_body(error: TabserveError) -> tuple[int, dict[str, Any]]:
    """Return status and body for an error that tabserve raised on purpose."""
    status, kind = next((status, kind) for type_, status, kind in STATUS if isinstance(error, type_))
    return status, _body(status, kind, _detail(error), _failures(error))


def problem(
    status: int,
    kind: str,
    detail: str,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build a problem+json answer; `errors` name index, column, rule and message."""
    return _response(status, _body(status, kind, detail, errors), headers)


def _response(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type="application/problem+json")


def _body(status: int, kind: str, detail: str, errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    body = {"type": f"urn:tabserve:problem:{kind}", "title": kind.replace("-", " ").capitalize(), "status": status}
    return {**body, "detail": detail} | ({"errors": list(errors)} if errors else {})


def failure_bodies(cases: Sequence[FailureCase]) -> list[dict[str, str]]:
    """Return failure cases as JSON objects."""
    return [{"column": case.column, "rule": case.rule, "message": case.message} for case in cases]


def _detail(error: TabserveError) -> str:
    # What is unavailable, and where, is for the log; the caller only needs to know that trying again may help.
    return "A part this answer needs is away; try again shortly." if isinstance(error, UnavailableError) else str(error)


def _failures(error: TabserveError) -> list[dict[str, Any]]:
    if isinstance(error, NoValidRecordsError):
        return [{"index": index, **body} for index, cases in error.errors.items() for body in failure_bodies(cases)]
    if isinstance(error, InvalidFieldError):
        return [{"column": error.field, "rule": error.rule, "message": str(error)}]
    return []


def add_problem_handlers(app: FastAPI, log: Logger) -> None:
    """Make every error of the app a problem+json answer."""

    @app.exception_handler(TabserveError)
    async def on_tabserve_error(request: Request, error: TabserveError) -> Response:
        if isinstance(error, UnavailableError):
            log.error("unavailable", error=str(error))
        status, body = problem_body(error)
        if status == INTERNAL:
            return await on_bug(request, error)
        if isinstance(error, MalformedBodyError) and not _says_json(request):
            body["detail"] = (
                f"{body['detail'].removesuffix('.')}; send it with the header content-type: application/json."
            )
        return _response(status, body, {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == UNAVAILABLE else None)

    @app.exception_handler(RequestValidationError)
    async def on_validation_error(_: Request, error: RequestValidationError) -> Response:
        items = error.errors()
        errors = [{"column": str(item["loc"][1]), "rule": item["type"], "message": item["msg"]} for item in items]
        detail = "; ".join(f"{item['column']}: {item['message']}" for item in errors)
        return problem(422, "invalid-request", detail, errors)

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        kind = error.detail.lower().replace(" ", "-")
        detail = f"{request.method} {request.scope['path']}: {error.detail}."
        return problem(error.status_code, kind, detail, headers=error.headers)

    @app.exception_handler(Exception)
    async def on_bug(_: Request, error: Exception) -> Response:
        log.exception("bug", exc_info=error)
        return problem(INTERNAL, "internal-error", "Something went wrong here; it was logged.")


def _says_json(request: Request) -> bool:
    """Tell whether a request names JSON as its body's type; gateways may change a body of another type on its way."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")
