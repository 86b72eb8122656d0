"""The raw bucket as a list of files."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tabserve.core.errors import StorageUnavailableError
from tabserve.core.files import RawFile

# S3 sends keys percent-encoded when asked, as botocore does. Emulators may not: then control characters, which no XML
# can hold, come as they are and nothing could be read. They make a detour through characters for private use.
FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
PRIVATE: Final = 0xE000
CONTROL: Final = {PRIVATE + code: code for code in range(0x20)}


class S3RawBucket:
    """Every version of every object of a bucket."""

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401  boto3 clients have no static type
        self._client = client
        # The asterisk puts it before botocore's own look at the answer.
        client.meta.events.register_first("before-parse.*.ListObjectVersions", _make_parseable)
        self._bucket = bucket

    def files(self) -> Iterator[tuple[RawFile, datetime]]:
        """Yield all versions and when they were written; raise StorageUnavailableError."""
        try:
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket):
                yield from (self._file(item) for item in page.get("Versions", ()))
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailableError(f"Cannot list bucket {self._bucket!r}: {error}") from error

    def _file(self, item: dict[str, Any]) -> tuple[RawFile, datetime]:
        version = item.get("VersionId")
        # Events name no version where the bucket keeps none; a listing calls it "null".
        version_id = None if version in (None, "null") else str(version)
        key, etag, written_at = item["Key"].translate(CONTROL), item["ETag"].strip('"'), item["LastModified"]
        file = RawFile(self._bucket, key, etag, version_id, item["Size"], written_at=written_at)
        return file, written_at


def _make_parseable(response_dict: dict[str, Any], **_: object) -> None:
    body = response_dict["body"]
    response_dict["body"] = FORBIDDEN.sub(lambda found: chr(PRIVATE + found[0][0]).encode(), body)
