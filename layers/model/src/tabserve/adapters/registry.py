"""Model versions and their aliases in an object store.

models/<use case>/<version>/<file>             immutable; metadata.json is written last: the version exists with it
models/<use case>/aliases/<alias>.json         replaceable pointers
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from tabserve.adapters.estimator import OnnxModel
from tabserve.application.ports import ObjectStore
from tabserve.domain.model import ALIASES, VERSION, Alias, ModelMetadata
from tabserve.domain.use_case import UseCase
from tabserve.errors import IncompatibleModelError, ModelError, NoModelError

JSON: Final = "application/json"
METADATA: Final = "metadata.json"
MODEL: Final = "model.onnx"
CHAMPIONS: Final = Path(__file__).resolve().parent.parent / "champions"


class Registry:
    """Versions of all use cases' models; a version, once registered, never changes."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def register(self, metadata: ModelMetadata, files: Mapping[str, bytes]) -> None:
        """Store a new version; raise ModelError when its name is taken by other content."""
        for name, body in files.items():
            self._put_same(_key(metadata.use_case, metadata.version, name), body)
        self._put_same(_key(metadata.use_case, metadata.version, METADATA), metadata.model_dump_json(indent=2).encode())

    def versions(self, use_case: str) -> list[str]:
        """Return the complete versions of a use case, oldest first."""
        parts = (key.split("/") for key in self._store.keys(f"models/{use_case}/"))
        return sorted(
            part[2] for part in parts if len(part) == 4 and part[3] == METADATA and VERSION.fullmatch(part[2])
        )

    def metadata(self, use_case: str, version: str) -> ModelMetadata:
        """Return what is known about a version; raise NoModelError."""
        try:
            body = self._store.get(_key(use_case, version, METADATA))
        except KeyError as error:
            raise NoModelError(use_case) from error
        return _parsed(use_case, version, body)

    def file(self, use_case: str, version: str, name: str) -> bytes:
        """Return one file of a version, checked against its registered hash."""
        expected = self.metadata(use_case, version).files.get(name)
        return self._checked(use_case, version, name, expected)

    def alias(self, use_case: str, alias: Alias) -> str | None:
        """Return the version an alias points to, if it points to one."""
        try:
            pointer = json.loads(self._store.get(_alias_key(use_case, alias)))
            return str(pointer["version"])
        except KeyError:
            return None
        except (ValueError, TypeError) as error:
            raise IncompatibleModelError(f"The alias {alias!r} of {use_case} is malformed: {error}") from error

    def aliases(self, use_case: str) -> dict[Alias, str]:
        """Return the aliases that are set and the versions they point to."""
        found = {alias: self.alias(use_case, alias) for alias in ALIASES}
        return {alias: version for alias, version in found.items() if version}

    def point(self, use_case: str, alias: Alias, version: str) -> None:
        """Point an alias to a registered version; raise NoModelError."""
        self.metadata(use_case, version)
        self._store.put(_alias_key(use_case, alias), json.dumps({"version": version}).encode(), JSON)

    def champion(self, use_case: UseCase) -> OnnxModel:
        """Load the champion; raise NoModelError or IncompatibleModelError."""
        version = self.alias(use_case.name, "champion")
        if version is None:
            raise NoModelError(use_case.name)
        return self.load(use_case, version)

    def load(self, use_case: UseCase, version: str) -> OnnxModel:
        """Load a version; raise NoModelError, or IncompatibleModelError when it cannot serve this definition."""
        metadata = self.metadata(use_case.name, version)
        _require_same_definition(use_case, metadata)
        return _loaded(use_case, metadata, self._checked(use_case.name, version, MODEL, metadata.files.get(MODEL)))

    def _checked(self, use_case: str, version: str, name: str, expected: str | None) -> bytes:
        try:
            body = self._store.get(_key(use_case, version, name))
        except KeyError as error:
            raise IncompatibleModelError(f"Model {version} of {use_case!r} lacks its file {name!r}.") from error
        if hashlib.sha256(body).hexdigest() != expected:
            raise IncompatibleModelError(
                f"{name!r} of model {version} of {use_case!r} is not the file that was registered."
            )
        return body

    def _put_same(self, key: str, body: bytes) -> None:
        content_type = JSON if key.endswith(".json") else "application/octet-stream"
        if not self._store.put_new(key, body, content_type) and self._store.get(key) != body:
            raise ModelError(f"{key} exists with other content; versions are immutable.")


class BakedModels:
    """The champions packed beside the code, one folder per use case: they answer when the bucket is away."""

    def __init__(self, folder: Path = CHAMPIONS) -> None:
        self._folder = folder

    def metadata(self, use_case: str) -> ModelMetadata:
        """Return what is known about the packed champion; raise NoModelError."""
        return _parsed(use_case, "the packed champion", self._read(use_case, METADATA))

    def champion(self, use_case: UseCase) -> OnnxModel:
        """Load the packed champion; raise NoModelError or IncompatibleModelError."""
        metadata = self.metadata(use_case.name)
        _require_same_definition(use_case, metadata)
        return _loaded(use_case, metadata, self._read(use_case.name, MODEL))

    def _read(self, use_case: str, name: str) -> bytes:
        try:
            return (self._folder / use_case / name).read_bytes()
        except OSError as error:
            raise NoModelError(use_case) from error


def _parsed(use_case: str, version: str, body: bytes) -> ModelMetadata:
    try:
        return ModelMetadata.model_validate_json(body)
    except ValidationError as error:
        raise IncompatibleModelError(f"The metadata of {version} of {use_case!r} is malformed: {error}") from error


def _require_same_definition(use_case: UseCase, metadata: ModelMetadata) -> None:
    if metadata.model_sha256 != use_case.model_sha256:
        raise IncompatibleModelError(
            f"Model {metadata.version} of {use_case.name!r} was trained on another definition of its features or "
            f"target; train a new one with scripts/train.py --use-case {use_case.name}."
        )


def _loaded(use_case: UseCase, metadata: ModelMetadata, body: bytes) -> OnnxModel:
    model = OnnxModel(body, metadata.version, metadata.model_sha256)
    if set(model.columns) != set(use_case.feature_names):
        raise IncompatibleModelError(
            f"Model {metadata.version} of {use_case.name!r} takes other columns: {', '.join(sorted(model.columns))}."
        )
    return model


def _key(use_case: str, version: str, name: str) -> str:
    return f"models/{use_case}/{version}/{name}"


def _alias_key(use_case: str, alias: Alias) -> str:
    return f"models/{use_case}/aliases/{alias}.json"
