"""The reference of a model version: what its held-out rows looked like and what its probabilities were worth there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.reference.calibration import Calibration
from tabserve.reference.performance import Answers, Measure, Numbers, measure, measure_numbers
from tabserve.reference.profile import NOTHING, Profile

SCHEMA = 1
SAMPLE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """Some of the held-out rows, columns together as they were seen, for traffic that looks like them."""

    columns: Mapping[str, Sequence[Value]]
    actuals: Sequence[str]

    @classmethod
    def of(cls, use_case: UseCase, columns: Mapping[str, Sequence[Value]], actuals: Sequence[str]) -> Self:
        """Keep at most 1 000 records, evenly spread."""
        step = -(-len(actuals) // SAMPLE_ROWS) or 1
        return cls({name: tuple(columns[name][::step]) for name in use_case.feature_names}, tuple(actuals[::step]))


@dataclass(frozen=True, slots=True)
class Reference:
    """What monitoring compares with; saved as `reference.json` beside the model."""

    profile: Profile
    calibration: Calibration
    sample: ReferenceRows = ReferenceRows({}, ())
    performance: Mapping[str, Measure] = field(default_factory=dict)  # by metric; versions of long ago have none

    @classmethod
    def of(
        cls,
        use_case: UseCase,
        features: Mapping[str, Sequence[Value]],
        predictions: Sequence[str],
        probabilities: Sequence[float],
        actuals: Sequence[str],
        vocabulary: Mapping[str, Sequence[str]] = NOTHING,
    ) -> Self:
        """Profile held-out rows: columns by name, classes as text, the probability as the API answers it."""
        profile = Profile.of(use_case, features, predictions, probabilities, vocabulary)
        happened = what_happened(use_case, predictions, actuals)
        performance = {each.metric: each for each in measure(Answers.of(use_case, predictions, probabilities), actuals)}
        return cls(
            profile, Calibration.of(probabilities, happened), ReferenceRows.of(use_case, features, actuals), performance
        )

    @classmethod
    def of_numbers(
        cls,
        use_case: UseCase,
        features: Mapping[str, Sequence[Value]],
        answers: Numbers,
        actuals: Sequence[float],
        vocabulary: Mapping[str, Sequence[str]] = NOTHING,
    ) -> Self:
        """Profile a regression's held-out rows: columns by name, answered and true numbers."""
        profile = Profile.of(use_case, features, answers.values.tolist(), (), vocabulary)
        performance = {each.metric: each for each in measure_numbers(answers, actuals)}
        return cls(profile, Calibration(), ReferenceRows.of(use_case, features, list(map(repr, actuals))), performance)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        sample = {"columns": dict(self.sample.columns), "actuals": list(self.sample.actuals)}
        parts = {"profile": self.profile.to_dict(), "calibration": self.calibration.to_dict(), "sample": sample}
        return {"schema": SCHEMA, **parts, "performance": list(map(asdict, self.performance.values()))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned; raise ValueError on another schema."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"reference has schema {data.get('schema')!r}, not {SCHEMA}")
        sample = data.get("sample", {"columns": {}, "actuals": ()})
        return cls(
            Profile.from_dict(data["profile"]),
            Calibration.from_dict(data["calibration"]),
            ReferenceRows(dict(sample["columns"]), tuple(sample["actuals"])),
            {each["metric"]: Measure(**each) for each in data.get("performance", ())},
        )


class References(Protocol):
    """What model versions are compared with."""

    def get(self, use_case: str, version: str) -> Reference | None:
        """Return the reference of a version, if it has one; raise IncompatibleModelError when it is malformed."""


def what_happened(use_case: UseCase, predictions: Sequence[str], actuals: Sequence[str]) -> list[bool]:
    """Return whether what each answered probability stands for happened.

    With two classes it stands for the positive class, with more for the predicted one.
    """
    positive = use_case.target.positive_class
    if positive is None:
        return [predicted == actual for predicted, actual in zip(predictions, actuals, strict=True)]
    return [actual == str(positive) for actual in actuals]
