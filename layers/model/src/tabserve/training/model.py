"""What training needs of a model, and of what fits one: any library does."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tabserve.core.use_case import UseCase
from tabserve.training.choice import Choice
from tabserve.training.dataset import LabelledRows
from tabserve.training.vocabulary import Vocabulary


class Model(Protocol):
    """A model that was fitted or imported, in the library it was made with.

    `only_valid`: it may take nothing but rows that the definition allows; others come from no request and no file.
    """

    vocabulary: Vocabulary

    @property
    def only_valid(self) -> bool: ...

    def score(self, columns: Mapping[str, Any], rows: int) -> NDArray[np.float64]:
        """Score inputs given by column; return probabilities, shape (rows, classes), or values, shape (rows, 1)."""

    def export(self) -> bytes:
        """Return the same model as ONNX."""

    def save(self) -> Mapping[str, bytes]:
        """Return the model as its library keeps it, by the names of files."""


class Fit(Protocol):
    """Fits a choice."""

    def __call__(self, use_case: UseCase, rows: LabelledRows, choice: Choice) -> Model:
        """Fit the rows; raise TrainingDataError."""
