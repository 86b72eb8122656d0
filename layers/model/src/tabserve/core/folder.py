"""A folder as an object store: local training and tests."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from tabserve.core.errors import StorageUnavailableError

BINARY: Final = "application/octet-stream"
TEMPORARY: Final = ".tmp-"


class FolderStore:
    """Objects as files below a root folder; implements ObjectStore."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def get(self, key: str) -> bytes:
        with self.open(key) as stream:
            return stream.read()

    def put(self, key: str, body: bytes, content_type: str = BINARY) -> None:  # noqa: ARG002
        """Write or replace an object; readers see the old or the new one, never a part."""
        with self._written(key, body) as written:
            copy = written.with_name(f"{written.name}-copy")
            copy.hardlink_to(written)
            copy.replace(self._path(key))

    def put_new(self, key: str, body: bytes | BinaryIO, content_type: str = BINARY) -> bool:  # noqa: ARG002
        with self._written(key, body) as written:
            try:
                self._path(key).hardlink_to(written)
            except FileExistsError:
                return False
            return True

    def tagged(self, key: str) -> tuple[bytes, str]:
        body = self.get(key)
        return body, sha256(body).hexdigest()

    def replace(self, key: str, body: bytes, etag: str, content_type: str = BINARY) -> bool:
        path = self._path(key)
        try:
            with path.with_name(f"{TEMPORARY}{path.name}").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self.tagged(key)[1] != etag:
                    return False
                self.put(key, body, content_type)
        except (FileNotFoundError, KeyError):
            return False
        except OSError as error:
            raise StorageUnavailableError(f"Cannot write {key!r}: {error}") from error
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        folder = self._path(prefix.rpartition("/")[0]) if "/" in prefix else self._root
        found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(TEMPORARY))
        keys = (path.relative_to(self._root).as_posix() for path in found)
        yield from sorted(key for key in keys if key.startswith(prefix))

    def folders(self, prefix: str) -> Iterator[str]:
        folder = self._path(prefix)
        if folder.is_dir():
            yield from sorted(path.name for path in folder.iterdir() if path.is_dir())

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise KeyError(key) from error
        except OSError as error:
            raise StorageUnavailableError(f"Cannot read {key!r}: {error}") from error

    def _path(self, key: str) -> Path:
        path = Path(os.path.normpath(self._root / key))
        if not path.is_relative_to(self._root):
            raise KeyError(key)
        return path

    @contextlib.contextmanager
    def _written(self, key: str, body: bytes | BinaryIO) -> Iterator[Path]:
        parent = self._path(key).parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(prefix=TEMPORARY, dir=parent) as stream:
                if isinstance(body, bytes):
                    stream.write(body)
                else:
                    body.seek(0)
                    shutil.copyfileobj(body, stream)
                stream.flush()
                Path(stream.name).chmod(0o644)
                yield Path(stream.name)
        except OSError as error:
            raise StorageUnavailableError(f"Cannot write {key!r}: {error}") from error
