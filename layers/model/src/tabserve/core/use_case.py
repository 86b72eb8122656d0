"""A use case: the one definition of a dataset from which everything else is generated."""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StrictBool, StringConstraints, model_validator

from tabserve.core.csv_files import folded
from tabserve.core.derived import Derived, in_order
from tabserve.core.features import (
    KEPT,
    CategoryFeature,
    Feature,
    InputFeature,
    Label,
    Name,
    reject_repeats,
)
from tabserve.core.limits import Definition, FileFormat, Monitoring, SeverityLimits
from tabserve.core.target import Decision, Target
from tabserve.core.training import BOOSTING, ONLY_OF_CLASSES, ONLY_OF_NUMBERS, Estimator, Training

SLUG: Final = r"^[a-z][a-z0-9_-]{0,39}$"
Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Task = Literal["binary_classification", "multiclass_classification", "regression"]

SCHEMA_VERSION: Final = 1  # of definitions; a newer one may have fields that nobody here knows
RESERVED_NAMES: Final = frozenset({"entity_id"})
# Fields that are younger than the identities of definitions: as long as one is not used, it changes none.
YOUNGER: Final[dict[str, object]] = {"usual": None, "keep": KEPT}
YOUNGER_OF_TARGET: Final[dict[str, object]] = {"unit": "", "minimum": None, "maximum": None}
REGRESSION: Final = "regression"


class UseCase(Definition):
    """One dataset: its columns, its target, how it is trained and watched.

    Good rows fill the feature store when `feature_store` is true. What is known of an entity is as old as its cell in
    `event_time_column` says, or else as the raw file is.
    """

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, description="Of the definition's own fields.")
    name: Slug
    version: int = Field(ge=1)
    title: str = ""
    description: str = ""
    out_of_scope: tuple[str, ...] = Field(
        default=(), description="What the model must not be used for, a sentence each; its card says so."
    )
    task: Task
    id_column: Name | None = Field(
        default=None, description="Identifies a row; without it rows are known by their place in their file alone."
    )
    format: FileFormat = FileFormat()
    missing_values: tuple[str, ...] = ("",)
    features: tuple[Feature, ...] = Field(min_length=1)
    derived: tuple[Derived, ...] = ()
    ignore: tuple[Name, ...] = ()
    event_time_column: Name | None = None
    feature_store: StrictBool = False
    target: Target
    decision: Decision | Literal["max_f1"] | None = Field(
        default=None, description="With two classes: when the positive one is answered; else the likelier one is."
    )
    example: dict[Name, StrictBool | Label | float] = Field(default_factory=dict)
    training: Training = Training()
    criticality: SeverityLimits = SeverityLimits()
    monitoring: Monitoring = Monitoring()

    @model_validator(mode="before")
    @classmethod
    def _schema_is_known(cls, data: object) -> object:
        found = data.get("schema_version", SCHEMA_VERSION) if isinstance(data, dict) else SCHEMA_VERSION
        if isinstance(found, int) and found > SCHEMA_VERSION:
            raise ValueError(
                f"schema_version is {found}, this tabserve knows definitions up to {SCHEMA_VERSION}; update tabserve"
            )
        return data

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> Self:
        computed = [each.name for each in self.derived]
        columns = [*self.id_columns, self.target.name, *self.feature_names, *computed, *self.ignore]
        names = list(map(folded, columns))
        reject_repeats(names, "columns")
        if self.event_time_column and folded(self.event_time_column) in names:
            raise ValueError(f"event_time_column {self.event_time_column!r} must not be one of the other columns")
        if self.feature_store and not self.id_column:
            raise ValueError("feature_store needs an id_column: it is by their ids that entities are known")
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
    def _derived_features_can_be_computed(self) -> Self:
        known: dict[str, Any] = {feature.name: feature for feature in self.features}
        ordered = in_order(self.derived)
        known |= {each.name: each.feature for each in ordered}
        for each in ordered:
            for name in each.sources:
                if name not in known:
                    raise ValueError(f"derived feature {each.name!r} needs {name!r}, which is no feature")
                if wanted := each.wrong_source(known[name]):
                    raise ValueError(f"derived feature {each.name!r} needs {wanted}; {name!r} is {known[name].type}")
        if not self.inputs:
            raise ValueError("a model needs a feature that is no date or text, or a derived one")
        return self

    @model_validator(mode="after")
    def _task_fits_the_target(self) -> Self:
        binary, regression = self.task == "binary_classification", self.task == REGRESSION
        if binary and (len(self.target.classes) != 2 or self.target.positive_class is None):
            raise ValueError("binary_classification needs two target classes and a positive_class")
        if not binary and self.target.positive_class is not None:
            raise ValueError(f"{self.task} takes no positive_class")
        if regression and self.target.classes:
            raise ValueError("regression takes no target classes: it predicts a number")
        if not regression and len(self.target.classes) < 2:
            raise ValueError(f"{self.task} needs at least two target classes")
        if not regression and (self.target.minimum, self.target.maximum) != (None, None):
            raise ValueError(f"{self.task} takes no minimum and maximum of the target")
        if self.decision is not None and not binary:
            raise ValueError(f"{self.task} takes no decision: only one between two classes has a threshold")
        self.training.require_fit(self.task, self._default_estimator, regression=regression)
        return self

    @model_validator(mode="after")
    def _missing_values_can_be_taken(self) -> Self:
        for feature in self.features:
            is_open = isinstance(feature, CategoryFeature) and feature.is_open
            if feature.required or is_open or getattr(feature, "impute", "") is not None:
                continue
            if others := [each for each in self.candidates if each not in BOOSTING]:
                raise ValueError(
                    f"feature {feature.name!r} is not required and so needs `impute`: {others[0]} takes no missing "
                    f"values, only {', '.join(BOOSTING)} do"
                )
        return self

    @property
    def is_regression(self) -> bool:
        """Whether a number is predicted."""
        return self.task == REGRESSION

    @property
    def candidates(self) -> tuple[Estimator, ...]:
        """The estimators that are trained to find the best, the simplest first."""
        return self.training.candidates(self._default_estimator)

    @property
    def _default_estimator(self) -> Estimator:
        return ONLY_OF_NUMBERS if self.is_regression else ONLY_OF_CLASSES

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of a record, in the order of the definition."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def inputs(self) -> tuple[InputFeature, ...]:
        """What the model takes: the features that are no date or text, then the derived ones."""
        taken = (feature for feature in self.features if isinstance(feature, InputFeature))
        return (*taken, *(each.feature for each in self.derived))

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """The model's input columns, in their order."""
        return tuple(feature.name for feature in self.inputs)

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The column of ids, if there is one."""
        return (self.id_column,) if self.id_column else ()

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns every raw file must have: the id, if rows have one, and all features."""
        return (*self.id_columns, *self.feature_names)

    @property
    def known_columns(self) -> tuple[str, ...]:
        """Columns a raw file may have without a warning."""
        known = (*self.required_columns, self.target.name, *self.ignore)
        return (*known, self.event_time_column) if self.event_time_column else known

    @property
    def contract_sha256(self) -> str:
        """Identify everything a raw file is validated by: name, version, columns, format, target."""
        younger = [name for name in ("event_time_column", "format") if getattr(self, name) != _default(name)]
        return self._sha256("name", "version", "id_column", "missing_values", "features", "ignore", "target", *younger)

    @property
    def model_sha256(self) -> str:
        """Identify everything a model depends on: name, version, features, derived ones, target."""
        return self._sha256("name", "version", "features", "target", *(["derived"] if self.derived else []))

    def _sha256(self, *fields: str) -> str:
        content = self.model_dump(mode="json", include=set(fields))
        for each in (*content["features"], content["target"]):
            _forget_unused(each)
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _default(field: str) -> object:
    return UseCase.model_fields[field].default


def _forget_unused(content: dict[str, Any]) -> None:
    """Leave out fields that older definitions could not have, as long as they say nothing."""
    younger = YOUNGER_OF_TARGET if "type" not in content else YOUNGER
    for name, default in younger.items():
        if name in content and content[name] == default:
            del content[name]
