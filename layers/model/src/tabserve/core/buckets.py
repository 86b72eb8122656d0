"""Buckets and links into them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


class ObjectStore(Protocol):
    """A bucket or folder of immutable or replaceable objects."""

    def get(self, key: str) -> bytes:
        """Return an object's bytes; raise KeyError when there is none."""

    def put(self, key: str, body: bytes, content_type: str = ...) -> None:
        """Write or replace an object."""

    def put_new(self, key: str, body: bytes | BinaryIO, content_type: str = ...) -> bool:
        """Write an object, from memory or a seekable file, unless the key exists; return whether it was written."""

    def tagged(self, key: str) -> tuple[bytes, str]:
        """Return an object's bytes and the ETag that `replace` compares; raise KeyError when there is none."""

    def replace(self, key: str, body: bytes, etag: str, content_type: str = ...) -> bool:
        """Write an object in place of the one of this ETag, all at once; return whether it was still that one."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys under a prefix, sorted."""

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the first part of what comes behind a prefix that ends in a slash, sorted: the folders in it."""

    def open(self, key: str) -> BinaryIO:
        """Stream an object; raise KeyError when there is none."""


@dataclass(frozen=True, slots=True)
class OpenObject:
    """An object being read: its bytes from some place on, its whole size, when it was written and what was noted."""

    stream: BinaryIO
    size: int
    etag: str
    written_at: datetime
    metadata: Mapping[str, str]


class Bucket(ObjectStore, Protocol):
    """An object store that knows when objects were written and keeps metadata beside them."""

    def put_new(
        self, key: str, body: bytes | BinaryIO, content_type: str = ..., metadata: Mapping[str, str] | None = None
    ) -> bool:
        """Write an object with metadata (ASCII, lower-case names) unless the key exists; return whether it was."""

    def read(self, key: str, version_id: str | None = None, *, offset: int = 0, etag: str = "") -> OpenObject:
        """Read an object from byte `offset` on; raise KeyError when there is none, or none of that `etag`."""
