"""Populations to draw references and windows from: rows of a use case's data, with a fitted model's answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.reference.profile import PREDICTION, PROBABILITY, Profile
from tabserve.training.choice import first_choices
from tabserve.training.dataset import LabelledRows
from tabserve.training.datasets import read_dataset
from tabserve.training.fitting import fit
from tabserve.training.validation import labelled_rows

ROOT = Path(__file__).resolve().parent.parent
Column = NDArray[np.object_]
HEAVY_TAILED = "heavy-tailed"


@dataclass(frozen=True)
class Population:
    """All rows there are: a window is drawn from them with replacement."""

    use_case: UseCase
    columns: Mapping[str, Column]
    size: int

    @classmethod
    def of(cls, use_case: UseCase, rows: LabelledRows) -> Self:
        """Fit the use case's model to the rows and keep its answers beside them."""
        scores = fit(use_case, rows, *first_choices(use_case)).score(rows.columns, len(rows))
        texts, positive = use_case.target.texts, use_case.target.positive_index
        columns = {name: np.array(list(values), dtype=object) for name, values in rows.columns.items()}
        columns[PREDICTION] = np.array([texts[place] for place in scores.argmax(axis=1)], dtype=object)
        columns[PROBABILITY] = (scores.max(axis=1) if positive is None else scores[:, positive]).astype(object)
        return cls(use_case, columns, len(rows))

    @classmethod
    def of_data(cls, use_case: UseCase) -> Self:
        """Return the training rows of a use case."""
        return cls.of(use_case, labelled_rows(use_case, read_dataset(use_case, use_case.training.data, ROOT)))

    def draw(self, rng: np.random.Generator, rows: int) -> dict[str, Column]:
        """Draw rows with replacement."""
        chosen = rng.integers(self.size, size=rows)
        return {name: column[chosen] for name, column in self.columns.items()}

    def profile(self, columns: Mapping[str, Column]) -> Profile:
        """Profile drawn rows as the reference."""
        features: dict[str, list[Value]] = {name: columns[name].tolist() for name in self.use_case.feature_names}
        predictions, probabilities = columns[PREDICTION].tolist(), columns[PROBABILITY].tolist()
        return Profile.of(self.use_case, features, predictions, probabilities)

    def window(self, reference: Profile, columns: Mapping[str, Column]) -> Profile:
        """Profile drawn rows as a window."""
        lists = {name: column.tolist() for name, column in columns.items()}
        return reference.window(lists, len(lists[PREDICTION]))


def wide(columns: int, rows: int = 4_000) -> Population:
    """Return a synthetic mixed table: half numbers, half categories with a rare level each, all hanging together.

    Four, five or six levels: the rarest one has 0.3 % of the rows. Every fourth column has missing values.
    """
    rng = np.random.default_rng(columns)
    hidden = rng.normal(size=rows)
    numbers, categories = columns - columns // 2, columns // 2
    number = {"type": "number", "minimum": -1e9, "maximum": 1e9, "required": False, "impute": "median"}
    category = {"type": "category", "categories": list("abcdef"), "required": False, "impute": "most_frequent"}
    features = [{"name": f"n{place}"} | number for place in range(numbers)]
    features += [{"name": f"c{place}"} | category for place in range(categories)]
    use_case = UseCase.model_validate(
        {
            "name": f"wide-{columns}",
            "version": 1,
            "task": "binary_classification",
            "id_column": "Id",
            "features": features,
            "target": {"name": "outcome", "classes": [0, 1], "positive_class": 1},
        }
    )
    found: dict[str, Column] = {}
    for place, feature in enumerate(use_case.features):
        mixed = 0.4 * hidden + rng.normal(size=rows)
        if feature.name.startswith("n"):
            values = (np.exp(mixed) if place % 3 else mixed.round(1)).astype(object)
        else:
            shares = np.sort(rng.dirichlet(np.full(3 + place % 3, 3.0)))[::-1]
            bounds = np.quantile(mixed, np.minimum(np.cumsum(shares), 0.997))
            values = np.array(list("abcdef"), dtype=object)[np.searchsorted(bounds, mixed)]
        if place % 4 == 0:
            values[rng.random(rows) < 0.04] = None
        found[feature.name] = values
    answered = 1 / (1 + np.exp(-hidden - rng.normal(size=rows)))
    found[PROBABILITY] = answered.astype(object)
    found[PREDICTION] = np.where(answered >= 0.5, "1", "0").astype(object)
    return Population(use_case, found, rows)


def heavy_tailed(rows: int = 4_000) -> Population:
    """Return numbers without variance, ties, rare categories and missing values."""
    rng = np.random.default_rng(20)
    names = ("pareto", "cauchy", "lognormal", "claims")
    numbers = {"type": "number", "minimum": -1e300, "maximum": 1e300, "required": False, "impute": "median"}
    use_case = UseCase.model_validate(
        {
            "name": HEAVY_TAILED,
            "version": 1,
            "task": "binary_classification",
            "id_column": "Id",
            "features": [{"name": name} | numbers for name in names]
            + [{"name": "rare", "type": "category", "categories": list(range(8))}],
            "target": {"name": "outcome", "classes": [0, 1], "positive_class": 1},
        }
    )
    columns: dict[str, Any] = {
        "pareto": rng.pareto(1.1, rows),
        "cauchy": rng.standard_cauchy(rows),
        "lognormal": rng.lognormal(0, 2.5, rows).round(1),
        "claims": np.where(rng.random(rows) < 0.7, 0, rng.zipf(1.8, rows)).astype(float),
        "rare": np.minimum(rng.geometric(0.5, rows) - 1, 7),
    }
    targets = (columns["lognormal"] * rng.random(rows) > 1).astype(int)
    for name in names[:2]:
        columns[name] = np.where(rng.random(rows) < 0.03, np.nan, columns[name])
    return Population.of(use_case, LabelledRows((), columns, targets))
