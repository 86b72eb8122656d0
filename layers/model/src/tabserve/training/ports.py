"""What training needs from the outside, as Protocols; `adapters` implements them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.registry.version import Alias, ModelMetadata
from tabserve.training.dataset import LabelledRows


class Scorer(Protocol):
    """Anything that answers rows of features with probabilities."""

    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> NDArray[np.float64]:
        """Score features given by column; return an array of shape (rows, classes)."""
        ...


class FittedModel(Scorer, Protocol):
    """A model as it was trained."""

    def save(self) -> bytes:
        """Return the model for offline use."""
        ...

    def export(self) -> bytes:
        """Return the model for serving."""
        ...


class Trainer(Protocol):
    """Fits models to labelled rows."""

    def fit(self, use_case: UseCase, rows: LabelledRows) -> FittedModel:
        """Fit a new model, the same for the same rows and the use case's random state."""
        ...


class VersionRegistry(Protocol):
    """Immutable model versions and the aliases that point to them."""

    def register(self, metadata: ModelMetadata, files: Mapping[str, bytes]) -> None:
        """Store a new version; raise ModelError when its name is taken by other content."""
        ...

    def has_usable_champion(self, use_case: UseCase) -> bool:
        """Return whether the champion exists, answers and was trained on this definition."""
        ...

    def point(self, use_case: str, alias: Alias, version: str) -> None:
        """Point an alias to a registered version; raise NoModelError."""
        ...
