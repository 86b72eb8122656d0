"""Model versions and their aliases in an object store.

models/<use case>/<version>/<file>             immutable; metadata.json is written last: the version exists with it
models/<use case>/aliases/<alias>.json         replaceable pointers
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from tabserve.core.buckets import ObjectStore
from tabserve.core.errors import IncompatibleModelError, ModelError, NoModelError
from tabserve.core.use_case import UseCase
from tabserve.registry.loading import checked, load_model
from tabserve.registry.onnx_model import OnnxModel
from tabserve.registry.version import ALIASES, METADATA, SERVED_FILES, VERSION, Alias, ModelMetadata

JSON: Final = "application/json"
BINARY: Final = "application/octet-stream"
CHAMPIONS: Final = Path(__file__).resolve().parent.parent / "champions"


class Registry:
    """Versions of all use cases' models; a version, once registered, never changes."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def register(self, metadata: ModelMetadata, files: Mapping[str, bytes]) -> None:
        """Store a new version; raise ModelError when its name is taken by other content."""
        self._put(metadata.use_case, metadata.version, files, metadata.model_dump_json(indent=2).encode())

    def versions(self, use_case: str) -> list[str]:
        """Return the complete versions of a use case, oldest first."""
        parts = (key.split("/") for key in self._store.keys(f"models/{use_case}/"))
        return sorted(part[2] for part in parts if part[3:] == [METADATA] and VERSION.fullmatch(part[2]))

    def metadata(self, use_case: str, version: str) -> ModelMetadata:
        """Return what is known about a version; raise NoModelError."""
        try:
            body = self._store.get(_key(use_case, version, METADATA))
        except KeyError as error:
            raise NoModelError(use_case) from error
        return _parsed(use_case, version, body)

    def file(self, use_case: str, version: str, name: str) -> bytes:
        """Return one file of a version; raise IncompatibleModelError unless it is the one that was registered."""
        return checked(self.metadata(use_case, version), name, lambda name: self._read(use_case, version, name))

    def alias(self, use_case: str, alias: Alias) -> str | None:
        """Return the version an alias points to, if it points to one."""
        try:
            body = self._store.get(_alias_key(use_case, alias))
        except KeyError:
            return None
        try:
            return str(json.loads(body)["version"])
        except (ValueError, KeyError, TypeError) as error:
            raise IncompatibleModelError(f"The alias {alias!r} of {use_case!r} is malformed: {error}") from error

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
        return load_model(use_case, metadata, lambda name: self._read(use_case.name, version, name))

    def has_usable_champion(self, use_case: UseCase) -> bool:
        """Return whether the champion exists, answers and was trained on this definition."""
        try:
            self.champion(use_case)
        except ModelError:
            return False
        return True

    def copy_to(self, other: "Registry", use_case: UseCase) -> None:
        """Register every version there too; set the aliases unless a usable champion is there already."""
        for version in self.versions(use_case.name):
            names = self.metadata(use_case.name, version).files
            files = {name: self.file(use_case.name, version, name) for name in names}
            # The card as it was written: newer code knows fields that older versions lack.
            other._put(use_case.name, version, files, self._read(use_case.name, version, METADATA))
        if not other.has_usable_champion(use_case):
            for alias, version in self.aliases(use_case.name).items():
                other.point(use_case.name, alias, version)

    def bake(self, use_case: UseCase, folder: Path = CHAMPIONS) -> None:
        """Put what serving needs of the champion into a folder beside the code; raise NoModelError."""
        version = self.champion(use_case).version
        files = self.metadata(use_case.name, version).files
        target = folder / use_case.name
        target.mkdir(parents=True, exist_ok=True)
        for name in (*(name for name in SERVED_FILES if name in files), METADATA):  # old versions have no definition
            temporary = target / f".{name}"
            temporary.write_bytes(self._read(use_case.name, version, name))
            temporary.replace(target / name)

    def _read(self, use_case: str, version: str, name: str) -> bytes:
        return self._store.get(_key(use_case, version, name))

    def _put(self, use_case: str, version: str, files: Mapping[str, bytes], card: bytes) -> None:
        for name, body in {**files, METADATA: card}.items():  # the card last: the version exists with it
            self._put_same(_key(use_case, version, name), body)

    def _put_same(self, key: str, body: bytes) -> None:
        content_type = JSON if key.endswith(".json") else BINARY
        if not self._store.put_new(key, body, content_type) and self._store.get(key) != body:
            raise ModelError(f"{key} exists with other content; versions are immutable.")


class BundledModels:
    """The champions bundled beside the code, one folder per use case: they answer when the bucket is away."""

    def __init__(self, folder: Path = CHAMPIONS) -> None:
        self._folder = folder

    def metadata(self, use_case: str) -> ModelMetadata:
        """Return what is known about the bundled champion; raise NoModelError."""
        return _parsed(use_case, "bundled champion", self._read(use_case, METADATA))

    def champion(self, use_case: UseCase) -> OnnxModel:
        """Load the bundled champion; raise NoModelError or IncompatibleModelError."""
        return load_model(use_case, self.metadata(use_case.name), lambda name: self._read(use_case.name, name))

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


def _key(use_case: str, version: str, name: str) -> str:
    return f"models/{use_case}/{version}/{name}"


def _alias_key(use_case: str, alias: Alias) -> str:
    return f"models/{use_case}/aliases/{alias}.json"
