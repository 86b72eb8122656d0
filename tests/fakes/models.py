"""Models and references in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tabserve.core.catalog import Catalog
from tabserve.core.records import Value
from tabserve.reference.reference import Reference
from tabserve.registry.version import Interval, ModelCards
from tabserve.serving.answers import Served
from tests.definitions import CATALOG

VERSION = "20260101T000000Z-00000000"


@dataclass
class FakeModel:
    """Answers every row with the same probabilities."""

    row: Sequence[float]
    version: str = VERSION
    threshold: float | None = None
    interval: Interval | None = None

    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> NDArray[np.float64]:
        return np.array([self.row] * rows, dtype=np.float64)


@dataclass
class FakeModels:
    """Serves uniform probabilities, the last class being a little likelier, and of regressions the number ten."""

    version: str = VERSION
    catalog: Catalog = CATALOG

    def serving(self, name: str) -> Served | None:
        return None

    def champion(self, name: str) -> Served:
        use_case = self.catalog.get(name)
        if use_case.is_regression:
            return Served(use_case, FakeModel([10.0], self.version, interval=Interval(share=0.9, half_width=2.5)))
        count = len(use_case.target.classes)
        row = [0.9 / count] * count
        row[-1] += 0.1
        return Served(use_case, FakeModel(row, self.version))

    def reload(self, name: str) -> Served:
        return self.champion(name)

    def judged_by(self, name: str, contract_sha256: str) -> Served:
        return self.champion(name)

    def cards(self, name: str) -> ModelCards:
        return ModelCards([], None, None)


@dataclass
class FakeReferences:
    """References in a dictionary, by use case."""

    known: dict[str, Reference] = field(default_factory=dict)

    def get(self, use_case: str, version: str) -> Reference | None:
        return self.known.get(use_case)
