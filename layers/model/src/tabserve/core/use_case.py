"""A use case: the one definition of a dataset from which everything else is generated."""

import hashlib
import unicodedata
from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, StringConstraints, model_validator

from tabserve.core.csv_files import folded
from tabserve.core.limits import Definition, Monitoring, SeverityLimits

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_ .()/-]{0,63}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Label = StrictStr | StrictInt
MetricName = Literal["accuracy", "roc_auc", "brier", "log_loss"]

CONTROL = "Cc"
RESERVED_NAMES = frozenset({"entity_id"})
QUOTE_IT = "quote it: YAML reads yes, no, on, off, true and false as booleans"


def _reject_booleans(values: tuple[object, ...] | list[object], field: str) -> None:
    if any(isinstance(value, bool) for value in values):
        raise ValueError(f"{field} holds a boolean; {QUOTE_IT}")


def _reject_repeats(texts: list[str], field: str) -> None:
    repeated = [text for text, count in Counter(texts).items() if count > 1]
    if repeated:
        raise ValueError(f"{field} repeats {', '.join(map(repr, repeated))}")


class _Feature(Definition):
    name: Name
    required: bool = True
    description: str = ""
    unit: str = ""

    @model_validator(mode="after")
    def _optional_features_are_imputed(self) -> Self:
        impute = getattr(self, "impute", None)
        if not self.required and impute is None:
            raise ValueError(f"feature {self.name!r} is not required and so needs `impute`")
        return self


class CategoryFeature(_Feature):
    """One of a closed list of values."""

    type: Literal["category"]
    categories: tuple[Label, ...] = Field(min_length=1)
    impute: Literal["most_frequent"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _categories_are_no_booleans(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("categories"), list | tuple):
            _reject_booleans(data["categories"], f"categories of {data.get('name')!r}")
        return data

    @model_validator(mode="after")
    def _categories_are_distinct(self) -> Self:
        _reject_repeats([str(value) for value in self.categories], f"categories of {self.name!r}")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """The categories as the model and CSV files write them."""
        return tuple(str(value) for value in self.categories)


class NumberFeature(_Feature):
    """A number, or a whole number, within a closed range."""

    type: Literal["number", "integer"]
    minimum: float
    maximum: float
    impute: Literal["median", "mean"] | None = None

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if not self.minimum < self.maximum:
            raise ValueError(f"feature {self.name!r} needs minimum < maximum")
        return self


Feature = Annotated[CategoryFeature | NumberFeature, Field(discriminator="type")]


class Target(Definition):
    """What is predicted: its classes as the data writes them and as people read them."""

    name: Name
    classes: tuple[Label, ...] = Field(min_length=2)
    labels: tuple[str, ...] = ()
    positive_class: Label | None = None

    @model_validator(mode="before")
    @classmethod
    def _classes_are_no_booleans(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("classes"), list | tuple):
            _reject_booleans(data["classes"], "target classes")
        return data

    @model_validator(mode="after")
    def _classes_and_labels_agree(self) -> Self:
        _reject_repeats([str(value) for value in self.classes], "target classes")
        if any(not text or any(unicodedata.category(char) == CONTROL for char in text) for text in self.texts):
            raise ValueError("a target class is empty or has control characters")  # tables, pages and lines hold them
        if self.labels and len(self.labels) != len(self.classes):
            raise ValueError("target labels and classes differ in number")
        if self.positive_class is not None and self.positive_class not in self.classes:
            raise ValueError("positive_class is not one of the target classes")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """The classes as text, in the order of the definition."""
        return tuple(str(value) for value in self.classes)

    @property
    def positive_index(self) -> int | None:
        """The place of the positive class; None when there is none."""
        return None if self.positive_class is None else self.classes.index(self.positive_class)

    def label(self, index: int) -> str:
        """Return the name people read for the class at `index`."""
        return self.labels[index] if self.labels else self.texts[index]


class Training(Definition):
    """How a model of this use case is trained and when it is good enough.

    `data` and `holdout` are CSV paths relative to the project, or `sklearn:NAME` for a data set that comes with
    scikit-learn. Without `holdout`, `test_size` of the data is held out.
    """

    data: str = ""
    holdout: str = ""
    estimator: Literal["logistic_regression", "random_forest"] = "logistic_regression"
    test_size: float = Field(default=0.2, gt=0, lt=1)
    random_state: int = 42
    acceptance: dict[MetricName, float] = Field(default_factory=dict)


class UseCase(Definition):
    """One dataset: its columns, its target, how it is trained and watched.

    Good rows fill the feature store when `feature_store` is true. What is known of an entity is as old as its cell in
    `event_time_column` says, or else as the raw file is.
    """

    name: Slug
    version: int = Field(ge=1)
    title: str = ""
    description: str = ""
    task: Literal["binary_classification", "multiclass_classification"]
    id_column: Name
    missing_values: tuple[str, ...] = ("",)
    features: tuple[Feature, ...] = Field(min_length=1)
    ignore: tuple[Name, ...] = ()
    event_time_column: Name | None = None
    feature_store: StrictBool = False
    target: Target
    example: dict[Name, Label | float] = Field(default_factory=dict)
    training: Training = Training()
    criticality: SeverityLimits = SeverityLimits()
    monitoring: Monitoring = Monitoring()

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> Self:
        columns = [self.id_column, self.target.name, *self.feature_names, *self.ignore]
        names = list(map(folded, columns))
        _reject_repeats(names, "columns")
        if self.event_time_column and folded(self.event_time_column) in names:
            raise ValueError(f"event_time_column {self.event_time_column!r} must not be one of the other columns")
        if reserved := RESERVED_NAMES.intersection([*columns, self.event_time_column]):
            raise ValueError(f"column name {min(reserved)!r} is reserved")
        return self

    @model_validator(mode="after")
    def _categories_are_not_missing(self) -> Self:
        for feature in self.features:
            if isinstance(feature, CategoryFeature) and (both := set(feature.texts) & set(self.missing_values)):
                raise ValueError(f"category {min(both)!r} of {feature.name!r} is also one of missing_values")
        return self

    @model_validator(mode="after")
    def _task_fits_the_target(self) -> Self:
        binary = self.task == "binary_classification"
        if binary and (len(self.target.classes) != 2 or self.target.positive_class is None):
            raise ValueError("binary_classification needs two target classes and a positive_class")
        if not binary and self.target.positive_class is not None:
            raise ValueError("multiclass_classification takes no positive_class")
        return self

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The model's input columns, in the order of the definition."""
        return tuple(feature.name for feature in self.features)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns every raw file must have: the id and all features."""
        return (self.id_column, *self.feature_names)

    @property
    def known_columns(self) -> tuple[str, ...]:
        """Columns a raw file may have without a warning."""
        known = (*self.required_columns, self.target.name, *self.ignore)
        return (*known, self.event_time_column) if self.event_time_column else known

    @property
    def contract_sha256(self) -> str:
        """Identify everything a raw file is validated by: name, version, columns, target."""
        times = ["event_time_column"] if self.event_time_column else []  # unset, it changes no older identity
        return self._sha256("name", "version", "id_column", "missing_values", "features", "ignore", "target", *times)

    @property
    def model_sha256(self) -> str:
        """Identify everything a model depends on: name, version, features, target."""
        return self._sha256("name", "version", "features", "target")

    def _sha256(self, *fields: str) -> str:
        return hashlib.sha256(self.model_dump_json(include=set(fields)).encode()).hexdigest()
