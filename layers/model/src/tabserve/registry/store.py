"""Model versions and their aliases in an object store.

models/<use case>/<version>/<file>             immutable; metadata.json is written last: the version exists with it
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from tabserve.core.buckets import ObjectStore
from tabserve.core.catalog import sentences
from tabserve.core.errors import IncompatibleModelError, ModelError, NoModelError
from tabserve.core.use_case import UseCase
from tabserve.registry.aliases import Aliases
from tabserve.registry.standing import Standing
from tabserve.registry.version import (
    ALIASES,
    DEFINITION,
    METADATA,
    SERVED_FILES,
    VERSION,
    Alias,
    ModelMetadata,
    checked,
)

if TYPE_CHECKING:
    from tabserve.registry.onnx_model import OnnxModel

JSON: Final = "application/json"
BINARY: Final = "application/octet-stream"
CHAMPIONS: Final = Path(__file__).resolve().parent.parent / "champions"


class Registry:
    """Versions of all use cases' models; a version, once registered, never changes."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._aliases = Aliases(store)
        self._definitions: dict[tuple[str, str], UseCase | None] = {}  # a version never changes

    def register(self, metadata: ModelMetadata, files: Mapping[str, bytes]) -> None:
        """Store a new version; raise ModelError when its name is taken by other content."""
        self._put(metadata.use_case, metadata.version, files, metadata.model_dump_json(indent=2).encode())

    def use_cases(self) -> list[str]:
        """Return the names of the use cases that have versions, sorted."""
        return list(self._store.folders("models/"))

    def definition(self, use_case: str, version: str) -> UseCase | None:
        """Return the definition that a version was trained on; None of an old one, which carries none.

        Raise NoModelError, or IncompatibleModelError when it is none that this tabserve knows.
        """
        key = (use_case, version)
        if key not in self._definitions:
            metadata = self.metadata(use_case, version)
            carries = DEFINITION in metadata.files
            self._definitions[key] = (
                _definition(metadata, self.file(use_case, version, DEFINITION)) if carries else None
            )
        return self._definitions[key]

    def judged_by(self, use_case: str, contract_sha256: str) -> ModelMetadata | None:
        """Return the newest version whose definition's contract begins so."""
        found = (self.metadata(use_case, version) for version in reversed(self.versions(use_case)))
        return next((metadata for metadata in found if metadata.contract_sha256.startswith(contract_sha256)), None)

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
        return self._aliases.standing(use_case, alias).version

    def standing(self, use_case: str) -> Standing:
        """Return which version is champion, which one is on trial, and whether the use case is retired."""
        return self._aliases.standing(use_case, "champion")

    def history(self, use_case: str, last: int | None = None) -> list[Standing]:
        """Return where the champion's alias stood after each of its moves, or the last so many, oldest first."""
        return self._aliases.history(use_case, "champion", last)

    def change(self, use_case: str, move: Callable[[Standing], Standing], expected: int | None = None) -> Standing:
        """Move the champion's alias from where it stands; return where it stands then.

        Raise AliasMovedError when it moved meanwhile: after it was read, or after the move with the number `expected`.
        """
        return self._aliases.change(use_case, "champion", move, expected)

    def aliases(self, use_case: str) -> dict[Alias, str]:
        """Return the aliases that are set and the versions they point to."""
        found = {alias: self.alias(use_case, alias) for alias in ALIASES}
        return {alias: version for alias, version in found.items() if version}

    def point(self, use_case: str, alias: Alias, version: str, at: datetime | None = None, reason: str = "") -> None:
        """Point an alias to a registered version, whatever it says now; raise NoModelError."""
        self.metadata(use_case, version)
        self._aliases.change(use_case, alias, lambda now: now.moved("train", version, at=at, reason=reason))

    def champion(self, use_case: UseCase) -> "OnnxModel":
        """Load the champion; raise NoModelError or IncompatibleModelError."""
        version = self.alias(use_case.name, "champion")
        if version is None:
            raise NoModelError(use_case.name)
        return self.load(use_case, version)

    def load(self, use_case: UseCase, version: str) -> "OnnxModel":
        """Load a version; raise NoModelError, or IncompatibleModelError when it cannot serve this definition."""
        from tabserve.registry.loading import load_model  # only the functions that score have its runtime

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
                stands = self._aliases.standing(use_case.name, alias)
                other.point(use_case.name, alias, version, stands.at, stands.reason)

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

    def definition(self, use_case: str) -> UseCase | None:
        """Return the definition that the bundled champion was trained on; None of an old one; raise NoModelError."""
        metadata = self.metadata(use_case)
        carries = DEFINITION in metadata.files
        return _definition(metadata, self._read(use_case, DEFINITION)) if carries else None

    def champion(self, use_case: UseCase) -> "OnnxModel":
        """Load the bundled champion; raise NoModelError or IncompatibleModelError."""
        from tabserve.registry.loading import load_model

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


def _definition(metadata: ModelMetadata, body: bytes) -> UseCase:
    try:
        return UseCase.model_validate_json(body)
    except ValidationError as error:
        what = f"The definition of model {metadata.version} of {metadata.use_case!r} cannot be used"
        raise IncompatibleModelError(f"{what}: {sentences(error)}") from error


def _key(use_case: str, version: str, name: str) -> str:
    return f"models/{use_case}/{version}/{name}"
