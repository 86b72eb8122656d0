"""Hand in raw files and read reports through links that work for some minutes."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator, Field

from functions.predict.answers import json_reply
from functions.predict.problems import Described
from functions.predict.request import FileId, RawBody, StrictModel, deps_of, json_object, parse
from tabserve.core.rules import MAX_FILE_BYTES
from tabserve.serving.views import bad_rows_link, raw_file_link, report_link, upload_link

router = APIRouter(tags=["files"])
RAW_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._()-]{0,99}\.csv$"


def _whole(value: object) -> object:
    """Take 9.0 for 9: JSON knows one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class RawFileBody(StrictModel):
    """A raw file to come."""

    use_case: str
    name: Annotated[str, Field(pattern=RAW_NAME)]
    size: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=MAX_FILE_BYTES)]


class UploadLink(Described):
    """Where a raw file goes, and the link that takes its bytes."""

    key: str
    upload_url: str


class FileLink(Described):
    """The link that reads a file."""

    file_id: str
    url: str


@router.post("/raw-files", status_code=201, response_model=UploadLink)
def post_raw_file(request: Request, raw: RawBody) -> Response:
    """Return a link that takes a raw file of so many bytes with one PUT request, content type text/csv."""
    body = parse(RawFileBody, json_object(raw))
    key, url = upload_link(body.use_case, body.name, body.size, deps_of(request))
    return json_reply({"key": key, "upload_url": url}, 201)


@router.get("/raw-files/{file_id}", response_model=FileLink)
def get_raw_file(request: Request, file_id: FileId) -> Response:
    """Return a link to a raw file; when its key was overwritten, to the newest bytes."""
    return json_reply({"file_id": file_id, "url": raw_file_link(file_id, deps_of(request))})


@router.get("/reports/{file_id}", response_model=FileLink)
def get_report(request: Request, file_id: FileId) -> Response:
    """Return a link to the HTML report on a raw file."""
    return json_reply({"file_id": file_id, "url": report_link(file_id, deps_of(request))})


@router.get("/bad-rows/{file_id}", response_model=FileLink)
def get_bad_rows(request: Request, file_id: FileId) -> Response:
    """Return a link to all bad rows of a raw file: a CSV of row_number, line_number, reasons (JSON) and raw."""
    return json_reply({"file_id": file_id, "url": bad_rows_link(file_id, deps_of(request))})
