"""Model versions: what is known about one besides its weights."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from tabserve.core.errors import IncompatibleModelError
from tabserve.core.training import Balance, Estimator, MetricName, Scalar

Alias = Literal["champion", "challenger"]
FeatureOrigin = Literal["data", "feature-store"]
Source = Literal["trained", "imported"]
ALIASES: Final[tuple[Alias, ...]] = ("champion", "challenger")
METADATA: Final = "metadata.json"
MODEL: Final = "model.onnx"
PIPELINE: Final = "model.joblib"
REFERENCE: Final = "reference.json"
EXAMPLES: Final = "examples.json"
DEFINITION: Final = "definition.json"
CARD: Final = "card.html"
RUNS: Final = "runs.jsonl"
SERVED_FILES: Final = (MODEL, REFERENCE, EXAMPLES, DEFINITION)
VERSION: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


class Metric(BaseModel):
    """One measure on the held-out rows, with its 95 % interval."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float


class Parity(BaseModel):
    """How far the exported model's answers are from the original's."""

    model_config = ConfigDict(frozen=True)

    rows: int
    max_difference: float
    differing_classes: int


class CalibrationBin(BaseModel):
    """Some held-out rows of about the same answer: its mean, and how often or how much it happened, with interval."""

    model_config = ConfigDict(frozen=True)

    answered: float
    happened: float
    low: float
    high: float
    rows: int


class ThresholdPoint(BaseModel):
    """What the held-out rows would say of one threshold; precision and F1 are missing where nothing is answered."""

    model_config = ConfigDict(frozen=True)

    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None
    answered: float = Field(description="The share of the rows that the positive class is answered to.")
    cost: float | None = Field(default=None, description="Of a row, where the definition says what errors cost.")


class Diagnostics(BaseModel):
    """How a version behaves on its held-out rows.

    `roc`: pairs of false and true positive rate, empty without a positive class; `confusion`: rows by true class
    (outer) and predicted class (inner), in the use case's order; `threshold_curve`: with a positive class, of older
    versions none; `importance`: by how much accuracy falls when a column
    is shuffled, with the extremes of several shuffles.

    Of a regression `calibration` compares the mean predicted number with the mean true one; `residuals` are rows by
    true minus predicted number, each with the ends of its bin; `importance` is by how much the mean absolute error
    rises; there are no `roc` and no `confusion`.
    """

    model_config = ConfigDict(frozen=True)

    roc: Sequence[tuple[float, float]]
    calibration: Sequence[CalibrationBin]
    confusion: Sequence[Sequence[int]]
    residuals: Sequence[tuple[float, float, int]] = ()
    threshold_curve: Sequence[ThresholdPoint] = ()
    importance: Mapping[str, Metric]


class Chosen(BaseModel):
    """What a version was trained with: parameters are those that differ from the estimator's default ones."""

    model_config = ConfigDict(frozen=True)

    estimator: Estimator
    parameters: Mapping[str, Scalar] = Field(default_factory=dict)
    balance: Balance | None = None
    calibrated: bool = False


class Candidate(BaseModel):
    """The best attempt of an estimator: the measure that was compared, cross-validated inside the rows to learn from.

    The interval is that of 95 %; `standard_error` is the one that candidates may be worse by and still be taken.
    """

    model_config = ConfigDict(frozen=True)

    estimator: Estimator
    parameters: Mapping[str, Scalar] = Field(default_factory=dict)
    measure: MetricName
    cross_validated: Metric
    standard_error: float
    attempts: int
    failed: int = 0
    seconds: float
    chosen: bool


class Interval(BaseModel):
    """How far true values lie from predicted ones: within `half_width`, in the target's unit, for `share` of them."""

    model_config = ConfigDict(frozen=True)

    share: float
    half_width: float


class ModelMetadata(BaseModel):
    """The card of one immutable version; unknown fields of newer versions are kept out."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    use_case: str
    use_case_version: int
    version: str
    created_at: datetime
    model_sha256: str
    contract_sha256: str
    data_sha256: str
    rows_trained: int
    rows_held_out: int
    estimator: str
    metrics: Mapping[MetricName, Metric]
    parity: Parity
    files: Mapping[str, str]
    libraries: Mapping[str, str]
    git_commit: str = ""
    features_from: FeatureOrigin = "data"
    typical: Mapping[str, str | bool | int | float] = Field(
        default_factory=dict, description="By column the median or the most frequent value of the held-out rows."
    )
    threshold: float | None = Field(
        default=None, description="From which probability on the positive class is answered; the likelier one without."
    )
    interval: Interval | None = Field(default=None, description="Of a regression.")
    vocabulary: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="By open category, derived ones among them, the values that were learned."
    )
    source: Source = "trained"
    chosen: Chosen | None = Field(default=None, description="What it was trained with; older versions do not say.")
    candidates: tuple[Candidate, ...] = Field(default=(), description="What was tried, where more than one was.")
    diagnostics: Diagnostics | None = None  # versions trained before these were stored have none
    warnings: tuple[str, ...] = Field(default=(), description="What to know before trusting this version's monitoring.")


class Example(BaseModel):
    """A record and what its version must answer: probabilities, in the use case's class order, or the value."""

    model_config = ConfigDict(frozen=True)

    features: Mapping[str, str | bool | int | float | None]
    probabilities: tuple[float, ...] = ()
    value: float | None = None

    @property
    def answers(self) -> tuple[float, ...]:
        """What the model answers, as one row."""
        return self.probabilities if self.value is None else (self.value,)


def version_name(created_at: datetime, content_sha256: str) -> str:
    """Name a version by when it was made and what it holds."""
    return f"{created_at:%Y%m%dT%H%M%SZ}-{content_sha256[:8]}"


def checked(metadata: ModelMetadata, name: str, read: Callable[[str], bytes]) -> bytes:
    """Read one of a version's files; raise IncompatibleModelError unless it is the file that was registered."""
    where = f"{name!r} of model {metadata.version} of {metadata.use_case!r}"
    try:
        body = read(name)
    except KeyError as error:
        raise IncompatibleModelError(f"{where} is missing.") from error
    if hashlib.sha256(body).hexdigest() != metadata.files.get(name):
        raise IncompatibleModelError(f"{where} is not the file that was registered.")
    return body


@dataclass(frozen=True, slots=True)
class ModelCards:
    """What is known about a use case's registered versions, newest first, and which of them have a role."""

    versions: Sequence[ModelMetadata]
    champion: ModelMetadata | None
    challenger: ModelMetadata | None
