"""Models, their registry and their references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tabserve.domain.model import ModelMetadata
from tabserve.domain.prediction import Value
from tabserve.domain.use_case import UseCase

if TYPE_CHECKING:  # its NumPy is in no layer of the functions that only move rows
    from tabserve.domain.reference import Reference


class Model(Protocol):
    """One loaded model version."""

    @property
    def version(self) -> str:
        """The registry's version name."""
        ...

    @property
    def model_sha256(self) -> str:
        """The `UseCase.model_sha256` it was trained on."""
        ...

    def probabilities(self, columns: Mapping[str, Sequence[Value]], rows: int) -> list[list[float]]:
        """Score validated features given by column; return shape (rows, classes) in the use case's class order."""
        ...


class Models(Protocol):
    """The models that answer requests."""

    def champion(self, use_case: UseCase) -> Model:
        """Return the version to serve now; raise NoModelError."""
        ...

    def serving(self, use_case: UseCase) -> Model | None:
        """Return the version to serve now without waiting for anything, None when the registry must be asked first."""
        ...

    def reload(self, use_case: UseCase) -> Model:
        """Read the registry now and return the version to serve; raise NoModelError."""
        ...


@dataclass(frozen=True, slots=True)
class ModelCards:
    """What is known about a use case's registered versions, newest first, and which of them have a role."""

    versions: Sequence[ModelMetadata]
    champion: ModelMetadata | None
    challenger: ModelMetadata | None


class ModelRegistry(Protocol):
    """The registered model versions."""

    def cards(self, use_case: UseCase) -> ModelCards:
        """Return what is known about all versions."""
        ...


class References(Protocol):
    """What model versions are compared with."""

    def get(self, use_case: str, version: str) -> "Reference | None":
        """Return the reference of a version, if it has one."""
        ...
