"""Answers about one record: asked for now, or read back by their id."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import exp, log
from typing import Any

from ui.api import ApiClient
from ui.errors import RefusedError, UiError

STEEPEST = 0.25  # how much probability one unit of log-odds can be at most
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a model version said about a record, and why; the reasons may be missing.

    `computed` has what was derived from the record, as far as it is known.
    """

    use_case: str
    record: Json
    entry: Json
    model_version: str
    explanation: Json | None
    computed: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id of the stored prediction."""
        return str(self.entry["prediction_id"])


def ask(api: ApiClient, use_case: str, record: Json, *, explained: bool = True) -> Answer:
    """Have a record predicted, and explained; raise RefusedError for a record that is not valid, or UiError."""
    told = api.predict(use_case, [record])
    (entry,) = told["predictions"]
    version = str(told["model_version"])
    answer = Answer(use_case, record, entry, version, None)
    return explain(api, answer) if explained else answer


def find(api: ApiClient, definition: Json, prediction_id: str, *, explained: bool = True) -> Answer | None:
    """Read a stored answer back, and explain it; None where there is none of this use case; raise UiError."""
    use_case = definition["name"]
    try:
        found = api.past_predictions({"use_case": use_case, "prediction_id": prediction_id}, 1)["predictions"]
    except RefusedError:  # what the address says is no id
        return None
    if not found:
        return None
    (entry,) = found
    names = {feature["name"] for feature in definition["features"]}
    record = {name: value for name, value in entry["features"].items() if value is not None and name in names}
    computed = {name: value for name, value in entry["features"].items() if name not in names}
    answer = Answer(use_case, record, entry, str(entry["model_version"]), None, computed)
    return explain(api, answer) if explained else answer


def explain(api: ApiClient, answer: Answer) -> Answer:
    """Add the reasons to an answer, where the version that gave it still answers."""
    try:
        explanation = api.explain(answer.use_case, answer.record)
    except UiError:
        return answer
    if explanation["model_version"] != answer.model_version:
        return answer
    values = {each["feature"]: each["value"] for each in explanation["effects"]}
    computed = {name: value for name, value in values.items() if name not in answer.record}
    return replace(answer, explanation=explanation, computed=answer.computed or computed)


def probability_of(entry: Json) -> float:
    """Return the probability of the class that was predicted."""
    return float(entry["probabilities"][str(entry["prediction"])])


def card(model: Json, version: str) -> Json:
    """Return what is known about a version; nothing where its card is not at hand."""
    return next((each for each in model["versions"] if each["version"] == version), {})


def in_points(explanation: Json, classes: int) -> dict[str, float]:
    """Return the effect of each feature in probability, from -1 to 1, or in the unit of a predicted number.

    Effects in log-odds are stretched by the average slope of the way from the typical probability to this one.
    """
    effects = {each["feature"]: float(each["effect"]) for each in explanation["effects"]}
    if explanation["scale"] in ("probability", "value"):
        return effects
    total, reached = sum(effects.values()), float(explanation["probability"])
    start = _moved(reached, -total) if classes == 2 else float(explanation["typical_probability"])
    slope = (reached - start) / total if abs(total) > 1e-6 else 0.0
    if not 0 < slope <= STEEPEST:
        slope = reached * (1 - reached)
    return {name: effect * slope for name, effect in effects.items()}


def _moved(probability: float, log_odds: float) -> float:
    odds = log(max(probability, 1e-9) / max(1 - probability, 1e-9))
    return 1 / (1 + exp(-max(-700.0, odds + log_odds)))
