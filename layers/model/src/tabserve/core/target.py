"""What is predicted: classes or a number, and how an answer follows from a probability."""

import unicodedata
from typing import Final, Self

from pydantic import Field, model_validator

from tabserve.core.features import Label, Name, reject_booleans, reject_repeats
from tabserve.core.limits import Definition

CONTROL: Final = "Cc"


class Target(Definition):
    """What is predicted: classes, as the data writes them and as people read them, or, without any, a number."""

    name: Name
    classes: tuple[Label, ...] = ()
    labels: tuple[str, ...] = ()
    positive_class: Label | None = None
    unit: str = Field(default="", description="Of a number, such as €.")
    minimum: float | None = Field(default=None, description="Of a number: training and ground truth take none below.")
    maximum: float | None = Field(default=None, description="Of a number: training and ground truth take none above.")

    @model_validator(mode="before")
    @classmethod
    def _classes_are_no_booleans(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("classes"), list | tuple):
            reject_booleans(data["classes"], "target classes")
        return data

    @model_validator(mode="after")
    def _classes_and_labels_agree(self) -> Self:
        reject_repeats([str(value) for value in self.classes], "target classes")
        if any(not text or any(unicodedata.category(char) == CONTROL for char in text) for text in self.texts):
            raise ValueError("a target class is empty or has control characters")  # tables, pages and lines hold them
        if self.labels and len(self.labels) != len(self.classes):
            raise ValueError("target labels and classes differ in number")
        if self.positive_class is not None and self.positive_class not in self.classes:
            raise ValueError("positive_class is not one of the target classes")
        if self.minimum is not None and self.maximum is not None and not self.minimum < self.maximum:
            raise ValueError("the target needs minimum < maximum")
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


class Cost(Definition):
    """What wrong answers cost, in any unit; right ones cost nothing."""

    false_positive: float = Field(gt=0)
    false_negative: float = Field(gt=0)


class Decision(Definition):
    """From which probability on the positive class is answered: as told, or chosen in training."""

    threshold: float | None = Field(default=None, gt=0, lt=1)
    cost: Cost | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.threshold is None) == (self.cost is None):
            raise ValueError("a decision has a threshold or a cost, one of both")
        return self
