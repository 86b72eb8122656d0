"""Buckets and links into them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from tabserve.domain.quality import RawFile


class ObjectLinks(Protocol):
    """Links to objects of one bucket that work for some minutes, for those who have no access themselves."""

    def to_put(self, key: str, content_type: str, size: int) -> str:
        """Return a link that writes one object with one PUT request of so many bytes and no others."""
        ...

    def to_get(self, key: str) -> str:
        """Return a link that reads one object."""
        ...


class ObjectStore(Protocol):
    """A bucket or folder of immutable or replaceable objects."""

    def get(self, key: str) -> bytes:
        """Return an object's bytes; raise KeyError when there is none."""
        ...

    def put(self, key: str, body: bytes, content_type: str = ...) -> None:
        """Write or replace an object."""
        ...

    def put_new(self, key: str, body: bytes | BinaryIO, content_type: str = ...) -> bool:
        """Write an object, from memory or a seekable file, unless the key exists; return whether it was written."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys under a prefix, sorted."""
        ...

    def open(self, key: str, version_id: str | None = None) -> BinaryIO:
        """Stream an object; raise KeyError when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class OpenObject:
    """An object being read: its bytes from some place on, its whole size, when it was written and what was noted."""

    stream: BinaryIO
    size: int
    etag: str
    written_at: datetime
    notes: Mapping[str, str]


class Bucket(ObjectStore, Protocol):
    """An object store that knows when objects were written and keeps notes beside them."""

    def put_new(
        self, key: str, body: bytes | BinaryIO, content_type: str = ..., notes: Mapping[str, str] | None = None
    ) -> bool:
        """Write an object with notes (ASCII, lower-case names) unless the key exists; return whether it was."""
        ...

    def look(self, key: str, version_id: str | None = None, *, offset: int = 0, etag: str = "") -> OpenObject:
        """Read an object from byte `offset` on; raise KeyError when there is none, or none of that `etag`."""
        ...


class RawBucket(Protocol):
    """Everything that has arrived."""

    def files(self) -> Iterator[tuple[RawFile, datetime]]:
        """Yield every version of every raw file and when it was written."""
        ...
