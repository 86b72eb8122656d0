"""What S3 says about objects, as its messages have it: read from them, and written like them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from tabserve.core.files import RawFile


@dataclass(frozen=True, slots=True)
class GoodFile:
    """A good object from byte `offset` on, where a row begins."""

    bucket: str
    key: str
    etag: str = ""
    offset: int = 0


def raw_files(message: str) -> Iterator[RawFile]:
    """Yield the raw files that a message is about; the test event that S3 sends first is about none."""
    for record, bucket, item in _objects(message):
        yield RawFile(
            **_identity(bucket, item),
            version_id=item.get("versionId"),
            size=item.get("size"),
            sequencer=item.get("sequencer"),
            written_at=datetime.fromisoformat(record["eventTime"]) if "eventTime" in record else None,
        )


def good_files(message: str) -> Iterator[GoodFile]:
    """Yield the good files that a message is about, each from where it is to be read on."""
    for _, bucket, item in _objects(message):
        yield GoodFile(**_identity(bucket, item), offset=item.get("offset", 0))


def raw_file_message(file: RawFile) -> bytes:
    """Return the message that S3 sends about a raw file."""
    when = {"eventTime": file.written_at.isoformat()} if file.written_at else {}
    return _message("Sweep", when, file, {"versionId": file.version_id} if file.version_id else {})


def good_file_message(file: GoodFile) -> bytes:
    """Return the message that S3 sends about a good file, and from where to read on."""
    return _message("Continued", {}, file, {"offset": file.offset})


def _objects(message: str) -> Iterator[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    for record in json.loads(message).get("Records", ()):
        yield record, record["s3"]["bucket"]["name"], record["s3"]["object"]


def _identity(bucket: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {"bucket": bucket, "key": unquote_plus(item["key"]), "etag": item.get("eTag", "").strip('"')}


def _message(created: str, more: Mapping[str, object], file: RawFile | GoodFile, known: Mapping[str, object]) -> bytes:
    item = {"key": quote_plus(file.key, safe="/"), "eTag": file.etag, **known}
    record = {"eventSource": "aws:s3", "eventName": f"ObjectCreated:{created}", **more}
    return json.dumps({"Records": [record | {"s3": {"bucket": {"name": file.bucket}, "object": item}}]}).encode()
