"""Monitoring of a regression: drift of the predicted number, errors and coverage as the truth becomes known."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from tabserve.core.database import Database
from tabserve.core.tables import alerts, drift_metrics, performance_metrics
from tabserve.core.use_case import UseCase
from tabserve.monitoring.alert_rules import load_alert_rules
from tabserve.monitoring.service import MonitorDependencies, run
from tabserve.monitoring.store import MonitoringTables
from tabserve.reference.performance import Numbers
from tabserve.reference.reference import Reference
from tabserve.serving.prediction import GroundTruth
from tabserve.serving.store import prediction_store
from tests.definitions import RENTS
from tests.factories import NOON, number_batch
from tests.fakes.catalog import FakeCatalog

WINDOW = {"monitoring": {"window": {"rows": 200, "minutes": 60}}}
USE_CASE = UseCase.model_validate(RENTS.model_dump(mode="json", exclude_unset=True) | WINDOW)
HALF_WIDTH = 165.0  # 1.645 standard deviations of the error


def rents(count: int, seed: int, shift: float = 0.0) -> tuple[dict[str, list[Any]], list[float], list[float]]:
    """Return columns, predicted and true rents; the truth spreads by 100 around what is predicted."""
    rng = random.Random(seed)
    columns: dict[str, list[Any]] = {
        "area": [rng.uniform(20, 120) for _ in range(count)],
        "district": [rng.choice(["north", "south"]) for _ in range(count)],
        "lift": [rng.random() < 0.5 for _ in range(count)],
    }
    predicted = [500 + 10 * area + shift for area in columns["area"]]
    return columns, predicted, [rng.gauss(value, 100) for value in predicted]


def make_reference() -> Reference:
    columns, predicted, actual = rents(600, 1)
    answers = Numbers.of(USE_CASE, np.array(predicted), HALF_WIDTH)
    return Reference.of_numbers(USE_CASE, columns, answers, actual)


REFERENCE = make_reference()


class OneReference:
    def get(self, use_case: str, version: str) -> Reference | None:
        return REFERENCE


@dataclass
class World:
    """Windows of 200 predictions, one a minute, and the monitor that looks at them."""

    database: Database
    url: str
    now: datetime = NOON

    def predict(self, seed: int, shift: float = 0.0, error: float = 1.0, *, known: bool = True) -> None:
        """Store a window; its true rents lie `error` times as far from the predicted ones as in the reference."""
        columns, predicted, actual = rents(200, seed, shift)
        store = prediction_store(self.url)
        batch = number_batch(predicted, HALF_WIDTH, columns=columns, created_at=self.now)
        store.add(batch)
        if known:
            true = [value + error * (truth - value) for value, truth in zip(predicted, actual, strict=True)]
            truths = [GroundTruth(repr(each), id_) for each, id_ in zip(true, batch.ids, strict=True)]
            store.record_ground_truth("rents", truths, self.now)
        self.now += timedelta(minutes=1)

    def monitor(self) -> None:
        tables = MonitoringTables(self.database)
        catalog, rules = FakeCatalog([USE_CASE]), load_alert_rules()
        for _ in range(2):  # windows close in the first run, and what is known of them is measured in the second
            self.now += timedelta(minutes=2)
            done = run(MonitorDependencies(catalog, OneReference(), tables, rules, lambda: self.now))
            assert done.failures == {}

    def rows(self, *columns: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.database.run(lambda to: to.execute(select(*columns)).all())]


@pytest.fixture
def world(database: Database, database_url: str) -> World:
    return World(database, database_url)


def test_a_regression_is_watched_by_its_inputs_and_its_predicted_number(world: World) -> None:
    for seed in range(3):
        world.predict(seed + 10)
    world.monitor()
    found = world.rows(drift_metrics.c.feature, drift_metrics.c.state)
    assert {feature for feature, _ in found} == {"area", "district", "lift", "@prediction"}
    assert {state for _, state in found} <= {"ok", "warning"}
    measured = world.rows(performance_metrics.c.metric, performance_metrics.c.kind, performance_metrics.c.value)
    assert {kind for _, kind, _ in measured} == {"measured"}
    values = {metric: value for metric, _, value in measured}
    assert values.keys() == {"mae", "rmse", "r2", "median_absolute_error", "coverage", "mean_prediction"}
    assert values["mae"] == pytest.approx(80, rel=0.2)
    assert values["coverage"] == pytest.approx(0.9, abs=0.06)
    fired = [rule for rule, state in world.rows(alerts.c.rule, alerts.c.state) if state == "firing"]
    assert fired == []


def test_drift_of_the_predicted_number_is_said_in_plain_words(world: World) -> None:
    for seed in range(3):
        world.predict(seed + 20, shift=2_000, known=False)
    world.monitor()
    [payload] = [payload for rule, payload in world.rows(alerts.c.rule, alerts.c.payload) if rule == "drift"]
    assert payload["title"] == "rents: the predicted number drifted"


def test_intervals_that_hold_too_few_true_numbers_lead_to_an_alert(world: World) -> None:
    for seed in range(3):
        world.predict(seed + 30, error=2.0)
    world.monitor()
    [payload] = [payload for rule, payload in world.rows(alerts.c.rule, alerts.c.payload) if rule == "performance"]
    assert "coverage of the intervals" in payload["title"]
    assert "of the intervals hold the true number" in payload["explanation"]
    assert "where 90% should" in payload["explanation"]
    assert "mean absolute error is 1" in payload["explanation"]
