"""What requests bring: the service's dependencies, an id, a body of strict JSON, and the records of `POST /predict`."""

import re
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tabserve.core import rules
from tabserve.core.errors import InvalidFieldError, MalformedBodyError
from tabserve.core.records import Origin, Source
from tabserve.core.service import Service
from tabserve.serving.service import PredictDependencies, PredictRequest

MAX_INTEGER = 2**31 - 1  # what the tables hold
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
KEY = "[!-~]{1,200}"
ENTITY_ID = f"^{rules.ID}$"
EntityId = Annotated[str, StringConstraints(pattern=ENTITY_ID)]
FileId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
PredictionId = Annotated[str, StringConstraints(pattern=f"^{UUID}$")]

Body = TypeVar("Body", bound=BaseModel)


class StrictModel(BaseModel):
    """An object of these fields, of exactly these types, and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OriginBody(StrictModel):
    """The rows of a raw file that the records come from, and the claim on it under which they are sent."""

    file_id: FileId
    row_numbers: list[Annotated[int, Field(ge=1, le=MAX_INTEGER)]]
    fence: Annotated[int, Field(ge=1, le=MAX_INTEGER)]
    contract_sha256: Annotated[str, StringConstraints(pattern="^([0-9a-f]{64})?$")] = ""


class PredictBody(StrictModel):
    """A batch of records; see `docs/openapi.json` for a record of each use case."""

    use_case: str = ""
    source: Source = "api"
    records: list[Any] = Field(min_length=1)
    origin: OriginBody | None = None


def deps_of(request: Request) -> PredictDependencies:
    """Return what the app's service calls need."""
    service: Service[PredictDependencies] = request.app.state.service
    return service.deps


async def _body(request: Request) -> bytes:
    return await request.body()


# Only `POST /predict` without an idempotency key may wait in the event loop, for the group commit. Every other route is
# a plain function, which FastAPI runs in a thread: what waits for a database or a bucket holds up no other request.
RawBody = Annotated[bytes, Depends(_body)]


def request_id_of(request: Request) -> str:
    """Return the id that Lambda gave the request, or a new one under another server."""
    context = request.scope.get("aws.context")
    return str(getattr(context, "aws_request_id", None) or uuid.uuid4())


def predict_request(
    body: bytes, default_use_case: str, request_id: str, source: Source | None = None, *, scheduled: bool = False
) -> PredictRequest:
    """Read the body of `POST /predict`: a batch, or one bare record of the default use case.

    Rows of a file are `scheduled`, as the scheduled function alone may send them.
    """
    content = json_object(body)
    batch = parse(PredictBody, content if "records" in content else {"records": [content]})
    if not set(map(type, batch.records)) <= {dict}:
        index = next(index for index, record in enumerate(batch.records) if type(record) is not dict)
        raise InvalidFieldError(f"records.{index}", "not_an_object", f"records.{index} must be a JSON object.")
    origin = batch.origin
    if not scheduled:
        _refuse_what_only_the_scheduler_sends(batch)
    if origin and len(origin.row_numbers) != len(batch.records):
        raise InvalidFieldError("origin.row_numbers", "wrong_length", "origin.row_numbers needs one entry per record.")
    use_case = batch.use_case or default_use_case
    if not use_case:
        raise InvalidFieldError("use_case", "missing", "use_case is required: no default is set here.")
    return PredictRequest(
        request_id=request_id,
        use_case=use_case,
        source=source or batch.source,
        records=batch.records,
        origin=_origin(origin) if origin else None,
    )


def _origin(body: OriginBody) -> Origin:
    return Origin(body.file_id, tuple(body.row_numbers), body.fence, body.contract_sha256)


def _refuse_what_only_the_scheduler_sends(batch: PredictBody) -> None:
    if batch.origin is not None:
        raise InvalidFieldError("origin", "scheduler_only", "origin is for rows of raw files, put into the raw bucket.")
    if batch.source == "scheduled":
        message = "source may not be scheduled: that is for rows of raw files, put into the raw bucket."
        raise InvalidFieldError("source", "scheduler_only", message)


def idempotency_key(text: str) -> str:
    """Check the header; raise InvalidFieldError."""
    if not re.fullmatch(KEY, text):
        message = "Idempotency-Key must be 1 to 200 printable ASCII characters without spaces."
        raise InvalidFieldError("Idempotency-Key", "malformed", message)
    return f"http/{text}"


def json_object(body: bytes) -> dict[str, Any]:
    """Read a body that must be a JSON object; of a key that is there twice, the last one counts.

    Raises MalformedBodyError for anything but strict JSON (no NaN or Infinity, no number too large for a double, at
    most 1 024 levels), InvalidFieldError for JSON that is no object.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        raise MalformedBodyError(message) from error
    if not isinstance(content, dict):
        raise InvalidFieldError("body", "not_an_object", "The body must be a JSON object.")
    return content


def parse(type_: type[Body], content: Mapping[str, Any]) -> Body:
    """Validate a JSON object; raise InvalidFieldError naming the first wrong field."""
    try:
        return type_.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidFieldError(field, first["type"], f"{field}: {first['msg']}.") from error
