"""The raw bucket as a list of files."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tabserve.domain.quality import RawFile
from tabserve.errors import StorageUnavailableError


class S3RawBucket:
    """Every version of every object of a bucket; implements RawBucket."""

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401  boto3 clients have no static type
        self._client = client
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
        written_at = item["LastModified"]
        etag = item["ETag"].strip('"')
        file = RawFile(self._bucket, item["Key"], etag, version_id, item["Size"], written_at=written_at)
        return file, written_at
