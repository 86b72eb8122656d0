"""What `POST /predict` takes and answers, as JSON."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.predict.problems import failure_bodies
from functions.predict.strict_json import loads
from tabserve.core import rules
from tabserve.core.errors import InvalidFieldError
from tabserve.core.records import Origin, Source
from tabserve.serving.json_columns import template, text, texts
from tabserve.serving.service import Answer, PredictRequest

RAW_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._()-]{0,99}\.csv$"
MAX_INTEGER = 2**31 - 1  # what the tables hold
ENTITY_ID = f"^{rules.ID}$"

Body = TypeVar("Body", bound=BaseModel)
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

FileId = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class OriginBody(BaseModel):
    """The rows of a raw file that the records come from, and the claim on it under which they are sent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    file_id: FileId
    row_numbers: list[Annotated[int, Field(ge=1, le=MAX_INTEGER)]]
    fence: Annotated[int, Field(ge=1, le=MAX_INTEGER)]


class PredictBody(BaseModel):
    """A batch of records; see `docs/openapi.json` for a record of each use case."""

    model_config = ConfigDict(extra="forbid", strict=True)

    use_case: str = ""
    source: Source = "api"
    records: list[Any] = Field(min_length=1)
    origin: OriginBody | None = None


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
        origin=Origin(origin.file_id, tuple(origin.row_numbers), origin.fence) if origin else None,
    )


def _refuse_what_only_the_scheduler_sends(batch: PredictBody) -> None:
    if batch.origin is not None:
        raise InvalidFieldError("origin", "scheduler_only", "origin is for rows of raw files, put into the raw bucket.")
    if batch.source == "scheduled":
        message = "source may not be scheduled: that is for rows of raw files, put into the raw bucket."
        raise InvalidFieldError("source", "scheduler_only", message)


def idempotency_key(text: str) -> str:
    """Check the header; raise InvalidFieldError."""
    if not re.fullmatch("[!-~]{1,200}", text):
        message = "Idempotency-Key must be 1 to 200 printable ASCII characters without spaces."
        raise InvalidFieldError("Idempotency-Key", "malformed", message)
    return f"http/{text}"


def json_object(body: bytes) -> dict[str, Any]:
    """Read a body that must be a JSON object; raise MalformedBodyError or InvalidFieldError."""
    content = loads(body)
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


def rendered(answer: Answer) -> bytes:
    """Return the answer of `POST /predict` as JSON: one entry per record, in the order of the request."""
    batch = answer.batch
    entries = _predictions(answer)
    if answer.errors:
        by_index = dict(zip(answer.indices, entries, strict=True))
        for index, cases in answer.errors.items():
            by_index[index] = orjson.dumps({"index": index, "error": failure_bodies(cases)}).decode()
        entries = [by_index[index] for index in sorted(by_index)]
    head = {"request_id": batch.request_id, "use_case": batch.use_case, "model_version": batch.model_version}
    return f'{orjson.dumps(head)[:-1].decode()},"predictions":[{",".join(entries)}]}}'.encode()


def _predictions(answer: Answer) -> list[str]:
    """Return one JSON object a valid record; what depends on the class alone is encoded once a class."""
    batch, target = answer.batch, answer.use_case.target
    classes = [
        f'"prediction":{text(name)},"label":{text(target.label(index))},"probability":'
        for index, name in enumerate(target.classes)
    ]
    by_class = [texts(column) for column in zip(*batch.probabilities, strict=True)]
    confidences = texts(batch.confidences) if batch.positive is None else by_class[batch.positive]
    rows = zip(answer.indices, batch.ids, map(classes.__getitem__, batch.chosen), confidences, *by_class, strict=True)
    if len(by_class) == 2:  # the usual case, in two thirds of the time
        first, second = map(text, batch.classes)
        return [
            f'{{"index":{index},"prediction_id":"{id_}",{of_class}{confidence},'
            f'"probabilities":{{{first}:{a},{second}:{b}}}}}'
            for index, id_, of_class, confidence, a, b in rows
        ]
    entry = f'{{"index":%d,"prediction_id":"%s",%s%s,"probabilities":{template(batch.classes)}}}'
    return list(map(entry.__mod__, rows))
