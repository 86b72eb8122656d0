"""Gradient boosting by name, told which of its columns are categories: those that come first."""

from collections.abc import Sequence
from typing import Any, Final

from tabserve.core.errors import MissingPackageError, TrainingDataError
from tabserve.core.use_case import UseCase
from tabserve.training.choice import Choice

MOST_CATEGORIES: Final = 255  # of a column of scikit-learn's histogram boosting


def boosting_estimator(use_case: UseCase, choice: Choice, categories: Sequence[int], numbers: int) -> Any:  # noqa: ANN401
    """Return the unfitted estimator of a choice for columns of so many categories each, and then so many numbers.

    Raise MissingPackageError without its package, TrainingDataError when a column has too many categories for it.
    """
    seed, places = use_case.training.random_state, list(range(len(categories)))
    own: dict[str, Any]
    if choice.estimator == "hist_gradient_boosting":
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        if max(categories, default=0) > MOST_CATEGORIES:
            raise TrainingDataError(
                f"{use_case.name}: hist_gradient_boosting takes at most {MOST_CATEGORIES} categories a column, and one "
                f"has {max(categories)}; set `keep` of open ones, or take lightgbm or xgboost."
            )
        of_scikit = HistGradientBoostingRegressor if use_case.is_regression else HistGradientBoostingClassifier
        own = {"categorical_features": places or None, "random_state": seed}
        return of_scikit(**{**own, **choice.parameters})
    try:
        if choice.estimator == "lightgbm":
            from lightgbm import LGBMClassifier, LGBMRegressor

            # Of the parameter's names this is one for which it does not warn that it ignores it; it does not.
            columns = {"categorical_column": places} if places else {}
            own = {"verbose": -1, "random_state": seed, "deterministic": True, "force_row_wise": True, **columns}
            return (LGBMRegressor if use_case.is_regression else LGBMClassifier)(**{**own, **choice.parameters})
        from xgboost import XGBClassifier, XGBRegressor
    except ImportError as error:
        package = "xgboost-cpu" if choice.estimator == "xgboost" else choice.estimator
        raise MissingPackageError(
            f"The estimator {choice.estimator} needs a package that is not installed: uv pip install {package}."
        ) from error
    own = {"verbosity": 0, "random_state": seed, "enable_categorical": True}
    own["feature_types"] = ["c"] * len(places) + ["q"] * numbers
    return (XGBRegressor if use_case.is_regression else XGBClassifier)(**{**own, **choice.parameters})
