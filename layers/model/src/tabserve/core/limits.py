"""The plainer parts of a use case's definition: how its files are written, when files and windows are judged how."""

import codecs
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Share = Annotated[float, Field(ge=0, le=1)]


class Definition(BaseModel):
    """A part of a use case's definition: it never changes, and takes no field that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class FileFormat(Definition):
    """How raw files are written, and the data for training: CSV in one of its dialects."""

    delimiter: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    encoding: str = Field(default="utf-8", description="Any that Python knows, such as latin-1.")
    compression: Literal["none", "gzip"] = "none"

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str) -> str:
        try:
            "".encode(encoding)  # as text: what codecs know besides, such as hex, is refused
        except LookupError as error:
            raise ValueError(f"encoding {encoding!r} is none that Python knows") from error
        return codecs.lookup(encoding).name


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
