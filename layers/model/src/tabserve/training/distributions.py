"""What a search draws parameters from: usual distributions of each estimator, or those that the definition names."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tabserve.core.training import Between, Distribution, Estimator, Scalar
from tabserve.core.use_case import UseCase

MOST_DRAWS: Final = 100_000
DIGITS: Final = 4  # of drawn fractions: people read them, and copy them into definitions

_FOREST: Final[Mapping[str, Distribution]] = {
    "n_estimators": (100, 200, 300),
    "max_depth": (None, 4, 6, 8, 12, 16),
    "min_samples_leaf": Between(low=1, high=30, log=True),
    "max_features": ("sqrt", 0.3, 0.5, 0.8, 1.0),
}
USUAL: Final[Mapping[Estimator, Mapping[str, Distribution]]] = {
    "logistic_regression": {"C": Between(low=0.001, high=100.0, log=True)},
    "ridge": {"alpha": Between(low=0.001, high=1000.0, log=True)},
    "extra_trees": _FOREST,
    "random_forest": _FOREST,
    "hist_gradient_boosting": {
        "learning_rate": Between(low=0.02, high=0.3, log=True),
        "max_iter": Between(low=30, high=300, log=True),
        "max_leaf_nodes": Between(low=4, high=63, log=True),
        "min_samples_leaf": Between(low=5, high=100, log=True),
        "l2_regularization": Between(low=0.001, high=10.0, log=True),
    },
    "lightgbm": {
        "learning_rate": Between(low=0.02, high=0.3, log=True),
        "n_estimators": Between(low=30, high=300, log=True),
        "num_leaves": Between(low=4, high=63, log=True),
        "min_child_samples": Between(low=5, high=100, log=True),
        "reg_lambda": Between(low=0.001, high=10.0, log=True),
        "colsample_bytree": Between(low=0.5, high=1.0),
    },
    "xgboost": {
        "learning_rate": Between(low=0.02, high=0.3, log=True),
        "n_estimators": Between(low=30, high=300, log=True),
        "max_depth": Between(low=2, high=10),
        "min_child_weight": Between(low=0.5, high=20.0, log=True),
        "reg_lambda": Between(low=0.001, high=10.0, log=True),
        "subsample": Between(low=0.6, high=1.0),
        "colsample_bytree": Between(low=0.5, high=1.0),
    },
}


def draws(use_case: UseCase, estimator: Estimator) -> Iterator[dict[str, Scalar]]:
    """Draw parameters with the seed of the definition, what it fixes left as it is; an end comes with short lists."""
    from sklearn.model_selection import ParameterSampler

    settings = use_case.training
    named = settings.search.distributions.get(estimator, {}) if settings.search else {}
    kept = {name: each for name, each in {**USUAL[estimator], **named}.items() if name not in settings.parameters}
    most = min(MOST_DRAWS, math.prod(len(each) if isinstance(each, tuple) else MOST_DRAWS for each in kept.values()))
    space = {name: list(each) if isinstance(each, tuple) else _Drawn(each) for name, each in kept.items()}
    for drawn in ParameterSampler(space, most, random_state=settings.random_state):
        yield {name: each.item() if hasattr(each, "item") else each for name, each in drawn.items()}


class _Drawn:
    """A distribution as scikit-learn's sampler draws from it."""

    def __init__(self, between: Between) -> None:
        self._between = between

    def rvs(self, random_state: Any) -> int | float:  # noqa: ANN401  numpy's generator of old
        """Draw one number."""
        low, high = self._between.low, self._between.high
        whole = isinstance(low, int) and isinstance(high, int)
        ends = (low - 0.5, high + 0.5) if whole else (low, high)  # each whole number has its share of the range
        if self._between.log:
            drawn = math.exp(random_state.uniform(math.log(max(ends[0], low / 2)), math.log(ends[1])))
        else:
            drawn = random_state.uniform(*ends)
        return min(max(round(drawn), low), high) if whole else float(f"{drawn:.{DIGITS}g}")
