"""The plainer parts of a use case's definition: how its files are written, when files and windows are judged how."""

import codecs
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Delimiter = Literal[",", ";", "\t", "|"]

# What Python encodes names and literals with.
NOT_OF_FILES: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})


class Definition(BaseModel):
    """A part of a use case's definition: it never changes, and takes no field that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class FileFormat(Definition):
    """How raw files are written, and the data for training: CSV in one of its dialects."""

    delimiter: Delimiter = ","
    decimal: Literal[".", ","] = "."
    encoding: str = Field(default="utf-8", description="Any that Python knows, such as latin-1.")
    compression: Literal["none", "gzip"] = "none"
    strip: bool = Field(default=False, description="Whether white space around a cell is no part of it.")

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str) -> str:
        try:
            "".encode(encoding)  # as text: what codecs know besides, such as hex, is refused
        except LookupError as error:
            raise ValueError(f"encoding {encoding!r} is none that Python knows") from error
        name = codecs.lookup(encoding).name
        if name in NOT_OF_FILES:
            raise ValueError(f"encoding {encoding!r} is none of files")
        return name

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.delimiter == self.decimal:
            raise ValueError('decimal: "," needs another delimiter than a comma, such as ";"')
        return self

    @property
    def is_utf8(self) -> bool:
        """Whether files are UTF-8, with or without its mark."""
        return self.encoding in {"utf-8", "utf-8-sig"}

    @property
    def is_wide(self) -> bool:
        """Whether a character takes two bytes or four."""
        return self.encoding.startswith(("utf-16", "utf-32"))

    @property
    def encoding_name(self) -> str:
        """The encoding as people write it."""
        return "UTF-8" if self.is_utf8 else self.encoding


class WindowLimits(Definition):
    """A monitoring window closes at `rows` predictions or after `minutes`, whichever comes first."""

    rows: int = Field(default=500, ge=50)
    minutes: int = Field(default=60, ge=1)


class DriftLimits(Definition):
    """Effect sizes (bias-corrected PSI) at which drift is noted, alarming, severe."""

    warning: float = 0.02
    alarm: float = 0.05
    severe: float = 0.20


class PerformanceLimits(Definition):
    """By how much a metric may be worse than the version's own on its held-out rows, in the metric's own unit."""

    margin: float = Field(default=0.02, ge=0, lt=1)


class Monitoring(Definition):
    """When windows close, what counts as drift and what as a loss of performance."""

    window: WindowLimits = WindowLimits()
    drift: DriftLimits = DriftLimits()
    performance: PerformanceLimits = PerformanceLimits()


class SeverityLimits(Definition):
    """Shares of bad rows at which a file's severity rises, and the severity from which on there is an alert."""

    high: Share = 0.5
    medium: Share = 0.1
    critical_rules: tuple[str, ...] = ()
    critical_rule_share: Share = 0.05
    alert_from: Literal["low", "medium", "high"] = "medium"
