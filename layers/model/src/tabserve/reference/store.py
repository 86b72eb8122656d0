"""References of model versions, from the registry's bucket or from the champions bundled beside the code."""

import json
from collections.abc import Mapping
from pathlib import Path

from tabserve.core.buckets import ObjectStore
from tabserve.core.errors import IncompatibleModelError
from tabserve.reference.reference import Reference

CHAMPIONS = Path(__file__).resolve().parent.parent / "champions"


class StoredReferences:
    """Read `reference.json` of a version once; a version never changes. Implements References."""

    def __init__(self, store: ObjectStore | None, bundled: Path = CHAMPIONS) -> None:
        self._store = store
        self._bundled = bundled
        self._known: dict[tuple[str, str], Reference] = {}

    def get(self, use_case: str, version: str) -> Reference | None:
        key = (use_case, version)
        if key not in self._known:
            body = self._read(use_case, version)
            if body is None:
                return None
            self._known[key] = _parsed(use_case, version, body)
        return self._known[key]

    def _read(self, use_case: str, version: str) -> bytes | None:
        folder = self._bundled / use_case
        try:
            if json.loads((folder / "metadata.json").read_bytes())["version"] == version:
                return (folder / "reference.json").read_bytes()
        except OSError:
            pass  # nothing bundled, or without its reference
        if self._store is None:
            return None
        try:
            return self._store.get(f"models/{use_case}/{version}/reference.json")
        except KeyError:
            return None


def _parsed(use_case: str, version: str, body: bytes) -> Reference:
    try:
        data: Mapping[str, object] = json.loads(body)
        return Reference.from_dict(data)
    except (ValueError, KeyError, TypeError) as error:
        raise IncompatibleModelError(f"reference.json of {version} of {use_case!r} is malformed: {error}") from error
