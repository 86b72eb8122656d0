"""A bucket as an object store."""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from botocore.exceptions import BotoCoreError, ClientError

from tabserve.core.buckets import OpenObject
from tabserve.core.errors import StorageUnavailableError
from tabserve.core.retry import retried

BINARY: Final = "application/octet-stream"
ABSENT: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
TAKEN: Final = frozenset({"412", "PreconditionFailed"})
REPLACED: Final = TAKEN | {"416", "InvalidRange"}
RACING: Final = frozenset({"409", "ConditionalRequestConflict"})
PAUSES_WHEN_RACING_S: Final = (0.1,) * 4
READ_AHEAD: Final = 64 * 1024


class S3Store:
    """The objects of one bucket; implements Bucket."""

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401  boto3 clients have no static type
        self._client = client
        self.bucket = bucket

    def get(self, key: str) -> bytes:
        return self.tagged(key)[0]

    def put(self, key: str, body: bytes, content_type: str = BINARY) -> None:
        self._call("write", key, self._client.put_object, Key=key, Body=body, ContentType=content_type)

    def put_new(
        self, key: str, body: bytes | BinaryIO, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> bool:
        return self._put_if(key, body, content_type, IfNoneMatch="*", Metadata=dict(metadata or {}))

    def tagged(self, key: str) -> tuple[bytes, str]:
        found = self.read(key)
        with found.stream as stream:
            body: bytes = self._call("read", key, stream.read)
        return body, found.etag

    def replace(self, key: str, body: bytes, etag: str, content_type: str = BINARY) -> bool:
        return self._put_if(key, body, content_type, IfMatch=f'"{etag}"')

    def _put_if(self, key: str, body: bytes | BinaryIO, content_type: str, **condition: object) -> bool:
        def put() -> None:
            if not isinstance(body, bytes):
                body.seek(0)
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, **condition)

        try:
            retried(put, PAUSES_WHEN_RACING_S, lambda error: isinstance(error, ClientError) and _code(error) in RACING)
        except ClientError as error:
            if _code(error) in TAKEN | ABSENT:
                return False
            raise self._unavailable("write", key, error) from error
        except BotoCoreError as error:
            raise self._unavailable("write", key, error) from error
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        try:
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()))
        except (BotoCoreError, ClientError) as error:
            raise self._unavailable("list", prefix, error) from error

    def folders(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/"):
                for item in page.get("CommonPrefixes", ()):
                    yield item["Prefix"].removeprefix(prefix).rstrip("/")
        except (BotoCoreError, ClientError) as error:
            raise self._unavailable("list", prefix, error) from error

    def open(self, key: str) -> BinaryIO:
        return self.read(key).stream

    def read(self, key: str, version_id: str | None = None, *, offset: int = 0, etag: str = "") -> OpenObject:
        wanted = {"VersionId": version_id, "Range": offset and f"bytes={offset}-", "IfMatch": etag and f'"{etag}"'}
        given = {name: value for name, value in wanted.items() if value}
        answer = self._call("read", key, self._client.get_object, Key=key, **given)
        return OpenObject(
            stream=io.BufferedReader(_Body(answer["Body"]), READ_AHEAD),
            size=offset + answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            written_at=answer["LastModified"],
            metadata=answer.get("Metadata", {}),
        )

    def _call(self, verb: str, key: str, function: Callable[..., Any], **arguments: object) -> Any:  # noqa: ANN401
        if "Key" in arguments:
            arguments["Bucket"] = self.bucket
        try:
            return function(**arguments)
        except ClientError as error:
            if _code(error) in ABSENT | REPLACED:
                raise KeyError(key) from error
            raise self._unavailable(verb, key, error) from error
        except BotoCoreError as error:
            raise self._unavailable(verb, key, error) from error

    def _unavailable(self, verb: str, key: str, error: Exception) -> StorageUnavailableError:
        return StorageUnavailableError(f"Cannot {verb} {key!r} in bucket {self.bucket!r}: {error}")


class _Body(io.RawIOBase):
    """An object's bytes; the HTTP response below closes itself at their end, which readers of text stumble over."""

    def __init__(self, response: BinaryIO) -> None:
        self._response = response

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  any writable buffer
        chunk = self._response.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
