"""How a model of a use case is found: estimators and their parameters, the budget of a search, balance, calibration."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self, get_args

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, field_validator, model_validator

from tabserve.core.features import reject_repeats
from tabserve.core.limits import Definition

# In the order of simplicity: of candidates that are as good as the best, the first one is taken.
Estimator = Literal[
    "logistic_regression", "ridge", "extra_trees", "random_forest", "hist_gradient_boosting", "lightgbm", "xgboost"
]
Balance = Literal["class_weight", "smote"]
MetricName = Literal[
    "accuracy", "roc_auc", "brier", "log_loss", "mae", "rmse", "r2", "median_absolute_error", "coverage"
]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr | None

ESTIMATORS: Final[tuple[Estimator, ...]] = get_args(Estimator)
ONLY_OF_CLASSES: Final[Estimator] = "logistic_regression"
ONLY_OF_NUMBERS: Final[Estimator] = "ridge"
BOOSTING: Final[tuple[Estimator, ...]] = ("hist_gradient_boosting", "lightgbm", "xgboost")  # take missing values
_FOREST: Final = (
    *("n_estimators", "criterion", "max_depth", "min_samples_split", "min_samples_leaf", "min_weight_fraction_leaf"),
    *("max_features", "max_leaf_nodes", "min_impurity_decrease", "bootstrap", "max_samples", "ccp_alpha"),
)
# What a definition may set, by the names of the libraries. Seeds, threads and weights of classes are set elsewhere.
PARAMETERS: Final[Mapping[Estimator, tuple[str, ...]]] = {
    "logistic_regression": ("C", "l1_ratio", "solver", "max_iter", "tol", "fit_intercept"),
    "ridge": ("alpha", "solver", "max_iter", "tol", "fit_intercept"),
    "extra_trees": _FOREST,
    "random_forest": _FOREST,
    "hist_gradient_boosting": (
        *("learning_rate", "max_iter", "max_leaf_nodes", "max_depth", "min_samples_leaf", "l2_regularization"),
        *("max_features", "max_bins", "early_stopping", "validation_fraction", "n_iter_no_change", "tol"),
    ),
    "lightgbm": (
        *("n_estimators", "learning_rate", "num_leaves", "max_depth", "min_child_samples", "min_child_weight"),
        *("min_split_gain", "subsample", "subsample_freq", "colsample_bytree", "reg_alpha", "reg_lambda", "max_bin"),
        *("cat_smooth", "cat_l2", "max_cat_threshold", "min_data_per_group"),
    ),
    "xgboost": (
        *("n_estimators", "learning_rate", "max_depth", "max_leaves", "min_child_weight", "gamma", "subsample"),
        *("colsample_bytree", "colsample_bylevel", "colsample_bynode", "reg_alpha", "reg_lambda", "max_delta_step"),
        *("max_bin", "grow_policy"),
    ),
}


class Between(Definition):
    """Numbers from `low` to `high`: whole ones where both are written so; `log` draws each size as often."""

    low: StrictInt | StrictFloat
    high: StrictInt | StrictFloat
    log: StrictBool = False

    @model_validator(mode="after")
    def _limits_rise(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"a distribution needs low < high; {self.low:g} is not below {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"a distribution with log: true needs low above 0, not {self.low:g}")
        return self


Distribution = Between | tuple[Scalar, ...]


class Search(Definition):
    """How parameters are searched for: drawn with the seed, measured in folds of the rows to learn from.

    `iterations` are the attempts of each candidate, of which the first one has the default parameters; `seconds` the
    time of them all. It ends with whichever budget is used up first.
    """

    iterations: StrictInt | None = Field(default=None, description="Attempts of each candidate.")
    seconds: float | None = Field(default=None, description="Of all attempts together; the fold in progress ends.")
    folds: int = Field(default=5, ge=2, le=20)
    measure: MetricName | None = Field(
        default=None, description="What is compared; the default is roc_auc, and rmse for a regression."
    )
    distributions: dict[Estimator, dict[str, Distribution]] = Field(
        default_factory=dict,
        description="Of parameters by estimator, beside and instead of the usual ones.",
    )

    @model_validator(mode="after")
    def _budget_is_something(self) -> Self:
        budget = {"iterations": self.iterations, "seconds": self.seconds}
        given = {name: value for name, value in budget.items() if value is not None}
        if not given or min(given.values()) <= 0:
            said = ", ".join(f"{name}: {value:g}" for name, value in given.items()) or "neither iterations nor seconds"
            raise ValueError(
                f"a search whose budget is nothing ({said}) finds nothing; give iterations or seconds above 0"
            )
        for estimator, distributions in self.distributions.items():
            require_known(estimator, [*distributions])
            if empty := [name for name, values in distributions.items() if values == ()]:
                raise ValueError(f"the distribution of {estimator}'s {empty[0]} names no value")
        return self


class Training(Definition):
    """How a model of this use case is trained and when it is good enough.

    `data` and `holdout` are CSV paths relative to the project, or `sklearn:NAME` for a data set that comes with
    scikit-learn. Without `holdout`, `test_size` of the data is held out.
    """

    data: str = ""
    holdout: str = ""
    estimator: Estimator | tuple[Estimator, ...] | None = Field(
        default=None,
        description="One, or candidates of which the simplest within one standard error of the best is taken. The "
        "default is logistic_regression, and ridge for a regression.",
    )
    parameters: dict[str, Scalar] = Field(
        default_factory=dict, description="Of the estimator, by the names of its library; of one estimator only."
    )
    balance: Balance | None = Field(
        default=None,
        description="For rare classes: class_weight has their rows weigh more, smote adds made-up rows between them.",
    )
    calibrate: StrictBool = Field(
        default=False, description="Whether probabilities are corrected by what rows that were not learned from show."
    )
    search: Search | None = Field(default=None, description="For better parameters than the default ones.")
    test_size: float = Field(default=0.2, gt=0, lt=1)
    random_state: int = 42
    acceptance: dict[MetricName, float] = Field(default_factory=dict)
    interval: float = Field(
        default=0.9, ge=0.5, le=0.99, description="How many true values the interval of a regression holds."
    )

    @field_validator("estimator", mode="before")
    @classmethod
    def _estimators_are_known(cls, given: object) -> object:
        names = given if isinstance(given, list | tuple) else [given]
        if unknown := [name for name in names if name is not None and name not in ESTIMATORS]:
            raise ValueError(f"there is no estimator {unknown[0]!r}; known are {', '.join(ESTIMATORS)}")
        if not names:
            raise ValueError("a list of candidates names at least one estimator")
        reject_repeats([str(name) for name in names], "candidates")
        return given

    def candidates(self, default: Estimator) -> tuple[Estimator, ...]:
        """Return the estimators that are tried, the simplest first."""
        named = (self.estimator or default,) if not isinstance(self.estimator, tuple) else self.estimator
        return tuple(sorted(named, key=ESTIMATORS.index))

    def require_fit(self, task: str, default: Estimator, *, regression: bool) -> None:
        """Raise ValueError, with one sentence, where training cannot mean anything for a task."""
        candidates = self.candidates(default)
        if regression and ONLY_OF_CLASSES in candidates:
            raise ValueError(f"{task} takes no estimator {ONLY_OF_CLASSES}: it answers classes; take {ONLY_OF_NUMBERS}")
        if not regression and ONLY_OF_NUMBERS in candidates:
            raise ValueError(
                f"{task} takes no estimator {ONLY_OF_NUMBERS}: it gives no probabilities; take {ONLY_OF_CLASSES}"
            )
        if regression and (self.balance or self.calibrate):
            field = "balance" if self.balance else "calibrate"
            raise ValueError(f"{task} takes no training.{field}: it has no classes; leave it out")
        if self.parameters and len(candidates) > 1:
            raise ValueError(
                f"training.parameters belong to one estimator, and {len(candidates)} are candidates; give them as "
                "search.distributions by estimator"
            )
        require_known(candidates[0], [*self.parameters])
        if self.search:
            self._require_search(self.search, task, candidates, regression=regression)

    def _require_search(self, search: Search, task: str, candidates: Sequence[Estimator], *, regression: bool) -> None:
        if strangers := [name for name in search.distributions if name not in candidates]:
            raise ValueError(f"search.distributions names {strangers[0]}, which is no candidate of training.estimator")
        if both := sorted(self.parameters.keys() & search.distributions.get(candidates[0], {}).keys()):
            raise ValueError(f"{both[0]} is in training.parameters and in search.distributions; say it once")
        of_numbers = {"mae", "rmse", "r2", "median_absolute_error"}
        if search.measure and (search.measure == "coverage" or (search.measure in of_numbers) != regression):
            raise ValueError(f"a search of a {task} cannot compare {search.measure}")


def require_known(estimator: Estimator, names: Sequence[str]) -> None:
    """Raise ValueError when a parameter is none of the estimator's that a definition may set."""
    if unknown := [name for name in names if name not in PARAMETERS[estimator]]:
        known = ", ".join(PARAMETERS[estimator])
        raise ValueError(f"{estimator} has no parameter {unknown[0]!r} to set; it has {known}")
