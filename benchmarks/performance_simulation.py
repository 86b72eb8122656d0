"""Alerts on performance: how often they fire when nothing changed, and when accuracy fell by ten points.

Every run has held-out rows of its own, since a lucky figure of theirs would be a limit out of reach. Probabilities are
those of a fitted model; outcomes are drawn from them, so the model is as good as it says until something changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation import population
from tabserve.core.use_case import UseCase
from tabserve.monitoring.alert_rules import MeasuredWindow, load_alert_rules, performance_verdict
from tabserve.monitoring.performance import estimate, with_limits
from tabserve.monitoring.windows import Span
from tabserve.reference.calibration import Calibration
from tabserve.reference.performance import Answers, Measure, measure
from tabserve.reference.profile import PROBABILITY

Floats = NDArray[np.float64]
Kind = Literal["measured", "estimated"]
LOST = 0.10
RULES = load_alert_rules()
NOON = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outcomes:
    """Probabilities to draw from, of a use case with two classes."""

    use_case: UseCase
    probabilities: Floats

    @cached_property
    def sure(self) -> Floats:
        """How likely the answer to each row is right."""
        return np.maximum(self.probabilities, 1 - self.probabilities)

    @cached_property
    def flips(self) -> float:
        """The share of outcomes to turn round so that accuracy falls by ten points."""
        return LOST / (2 * float(self.sure.mean()) - 1)

    @cached_property
    def unsure(self) -> Floats:
        """The weights of rows by which unsure answers become so frequent that accuracy falls by ten points."""
        wanted = self.sure.mean() - LOST
        low, high = 0.0, 100.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self._weights(middle) @ self.sure < wanted else (middle, high)
        return self._weights(low)

    def _weights(self, strength: float) -> Floats:
        weights: Floats = np.exp(-strength * self.sure)
        return weights / float(weights.sum())

    def draw(
        self, rng: np.random.Generator, rows: int, flips: float = 0.0, weights: Floats | None = None
    ) -> tuple[Answers, list[str]]:
        """Draw answers and what happened."""
        chosen = rng.choice(self.probabilities, rows, p=weights)
        happened = (rng.random(rows) < chosen) ^ (rng.random(rows) < flips)
        texts = np.array(self.use_case.target.texts)
        predicted = texts[(chosen >= 0.5).astype(int)].tolist()
        return Answers.of(self.use_case, predicted, chosen.tolist()), texts[happened.astype(int)].tolist()


def outcomes(name: str) -> Outcomes:
    """Return what a population's model answers."""
    found = population(name)
    return Outcomes(found.use_case, found.columns[PROBABILITY].astype(float))


def alarm_rate(
    drawn: Outcomes,
    kind: Kind,
    changed: bool,
    held_out: int,
    runs: int,
    windows: int = 2,
    rows: int = 500,
    seed: int = 0,
) -> tuple[float, dict[str, float]]:
    """Return the share of runs in which the rule fires within some windows, and the share for each metric alone."""
    rng = np.random.default_rng((seed, held_out, changed))
    fired, by_metric = 0, dict[str, int]()
    for _ in range(runs):
        answers, happened = drawn.draw(rng, held_out)
        own = {each.metric: each for each in measure(answers, happened)}
        calibration = Calibration.of(answers.probabilities.tolist(), answers.happened(np.array(happened)).tolist())
        found = []
        for _ in range(windows):
            if kind == "measured":
                measures = measure(*drawn.draw(rng, rows, flips=drawn.flips if changed else 0.0))
            else:
                measures = estimate(drawn.draw(rng, rows, weights=drawn.unsure if changed else None)[0], calibration)
            found.append(with_limits(drawn.use_case, measures, own))
        fired += fires(kind, found)
        for metric in own:
            alone = [[each for each in measures if each.metric == metric] for measures in found]
            by_metric[metric] = by_metric.get(metric, 0) + fires(kind, alone)
    return fired / runs, {metric: count / runs for metric, count in by_metric.items()}


def fires(kind: Kind, windows: Sequence[Sequence[Measure]]) -> bool:
    """Return whether the rule fires at any of the windows."""
    rule = RULES.performance if kind == "measured" else RULES.estimated_performance
    measured = [MeasuredWindow(Span("v", NOON, NOON), measures, NOON) for measures in windows]
    ends = range(1, len(measured) + 1)
    verdicts = (performance_verdict(rule, measured[max(0, end - rule.beyond_in_a_row) : end]) for end in ends)
    return any(verdict is not None and verdict.state == "firing" for verdict in verdicts)
