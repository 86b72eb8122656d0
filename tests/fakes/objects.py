"""Buckets in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO

from tabserve.core.buckets import OpenObject


@dataclass
class FakeObjects:
    """Objects in a dictionary, all written at one moment; an object's ETag is its size."""

    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    written_at: datetime = datetime(2026, 1, 2, 11, tzinfo=UTC)

    def get(self, key: str) -> bytes:
        return self.objects[key]

    def put(self, key: str, body: bytes, content_type: str = "") -> None:
        self.objects[key] = body

    def put_new(
        self, key: str, body: bytes | BinaryIO, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> bool:
        if key in self.objects:
            return False
        self.metadata[key] = dict(metadata or {})
        self.objects[key] = body if isinstance(body, bytes) else body.read()
        return True

    def tagged(self, key: str) -> tuple[bytes, str]:
        body = self.objects[key]
        return body, sha256(body).hexdigest()

    def replace(self, key: str, body: bytes, etag: str, content_type: str = "") -> bool:
        if key not in self.objects or self.tagged(key)[1] != etag:
            return False
        self.objects[key] = body
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        yield from sorted(key for key in self.objects if key.startswith(prefix))

    def folders(self, prefix: str) -> Iterator[str]:
        inside = (key.removeprefix(prefix) for key in self.keys(prefix))
        yield from sorted({key.partition("/")[0] for key in inside if "/" in key})

    def open(self, key: str) -> BinaryIO:
        return self.read(key).stream

    def read(self, key: str, version_id: str | None = None, *, offset: int = 0, etag: str = "") -> OpenObject:
        body = self.objects[key]
        if etag not in {"", str(len(body))}:
            raise KeyError(key)
        return OpenObject(
            BytesIO(body[offset:]), len(body), str(len(body)), self.written_at, self.metadata.get(key, {})
        )


@dataclass
class FakeLinks:
    """Links that say what they are for."""

    bucket: str

    def to_put(self, key: str, content_type: str, size: int) -> str:
        return f"https://{self.bucket}.test/{key}?put={content_type}&size={size}"

    def to_get(self, key: str) -> str:
        return f"https://{self.bucket}.test/{key}?get"
