"""Monitoring from stored predictions to verdicts and alerts, on a real database."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text

from tabserve.alerts.outbox import Outbox
from tabserve.core.database import Database
from tabserve.core.errors import IncompatibleModelError, StorageUnavailableError, UseCaseError
from tabserve.core.tables import alerts, drift_metrics, ground_truth, performance_metrics, predictions
from tabserve.core.use_case import UseCase
from tabserve.ingestion.store import Ingestions
from tabserve.monitoring.alert_rules import load_alert_rules
from tabserve.monitoring.service import MonitorDependencies, MonitoringRun, run
from tabserve.monitoring.store import MonitoringTables
from tabserve.reference.reference import Reference
from tests.factories import NOON, VERSION, ingestion
from tests.fakes.catalog import FakeCatalog

USE_CASE = UseCase.model_validate(
    {
        "name": "fruit",
        "version": 1,
        "task": "binary_classification",
        "id_column": "Id",
        "features": [
            {"name": "weight", "type": "number", "minimum": 0, "maximum": 900, "required": False, "impute": "mean"},
            {"name": "size", "type": "category", "categories": ["S", "M", "L"]},
        ],
        "target": {"name": "ripe", "classes": [0, 1], "positive_class": 1},
        "monitoring": {"window": {"rows": 200, "minutes": 60}},
    }
)


def record(rng: random.Random, shift: float = 0.0) -> dict[str, Any]:
    weight = round(rng.gauss(100 + shift, 10), 1)
    return {"weight": None if rng.random() < 0.05 else weight, "size": rng.choice("SML")}


def probability(features: dict[str, Any]) -> float:
    return min(0.99, max(0.01, ((features["weight"] or 100) - 70) / 60))


def make_reference() -> Reference:
    rng = random.Random(1)
    rows = [record(rng) for _ in range(400)]
    scores = [probability(row) for row in rows]
    actuals = ["1" if rng.random() < score else "0" for score in scores]
    columns = {name: [row[name] for row in rows] for name in ("weight", "size")}
    return Reference.of(USE_CASE, columns, ["1" if score >= 0.5 else "0" for score in scores], scores, actuals)


REFERENCE = make_reference()


ALONE = FakeCatalog([USE_CASE])
AMONG_OTHERS = FakeCatalog([USE_CASE.model_copy(update={"name": name}) for name in ("apples", USE_CASE.name, "zebras")])


@dataclass(frozen=True)
class SickOthers(FakeCatalog):
    """Use cases of which all others raise."""

    error: Exception

    def get(self, name: str) -> UseCase:
        if name != USE_CASE.name:
            raise self.error
        return super().get(name)


class OneReference:
    def get(self, use_case: str, version: str) -> Reference | None:
        return REFERENCE if version == VERSION else None


@dataclass
class World:
    """A database, a clock and a stream of predictions, one a second."""

    database: Database
    now: datetime = NOON
    made: int = 0

    def monitor(self, use_cases: FakeCatalog = ALONE) -> MonitoringRun:
        monitor = MonitorDependencies(
            use_cases,
            OneReference(),
            MonitoringTables(self.database),
            load_alert_rules(),
            lambda: self.now,
        )
        return run(replace(monitor, dashboards="http://grafana"))

    def predict(self, rows: int, change: Callable[[dict[str, Any]], None] = lambda _: None, **values: Any) -> list[str]:
        rng = random.Random(self.made)
        stored = []
        for _ in range(rows):
            self.now += timedelta(seconds=1)
            self.made += 1
            features = record(rng)
            change(features)
            score = probability(features)
            stored.append(self._row(features, score) | values)
        with self.database.transaction() as connection:
            connection.execute(insert(predictions), stored)
        self.now += timedelta(seconds=31)
        return [row["id"] for row in stored]

    def _row(self, features: dict[str, Any], score: float) -> dict[str, Any]:
        return {
            "id": f"00000000-0000-0000-0000-{self.made:012d}",
            "request_id": "r",
            "use_case": "fruit",
            "model_version": VERSION,
            "source": "api",
            "created_at": self.now,
            "features": features,
            "prediction": "1" if score >= 0.5 else "0",
            "probability": score,
            "probabilities": {},
        }

    def know(self, ids: list[str], actual: str = "1") -> None:
        with self.database.transaction() as connection:
            rows = [{"prediction_id": i, "use_case": "fruit", "actual": actual, "created_at": self.now} for i in ids]
            connection.execute(insert(ground_truth), rows)

    def learn(self, ids: list[str], wrong: bool = False) -> None:
        """Let outcomes arrive, as likely as their probabilities say, or just the opposite of that."""
        rng = random.Random(self.made)
        wanted = select(predictions.c.id, predictions.c.probability).where(predictions.c.id.in_(ids))
        for prediction_id, score in self.database.run(lambda connection: connection.execute(wanted).all()):
            self.know([prediction_id], "1" if (rng.random() < score) != wrong else "0")

    def all(self, *columns: Any) -> list[Any]:
        return list(self.database.run(lambda connection: connection.execute(select(*columns)).all()))

    def alerts(self) -> list[tuple[str, str]]:
        query = select(alerts.c.rule, alerts.c.state).order_by(alerts.c.created_at)
        return [(row[0], row[1]) for row in self.database.run(lambda connection: connection.execute(query).all())]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def heavier(features: dict[str, Any]) -> None:
    if features["weight"] is not None:
        features["weight"] += 15


def states(world: World) -> dict[str, str]:
    newest = max(end for (end,) in world.all(drift_metrics.c.window_end))
    rows = world.all(drift_metrics.c.feature, drift_metrics.c.state, drift_metrics.c.window_end)
    return {feature: state for feature, state, end in rows if end == newest}


def test_windows_close_at_their_size_and_the_rest_waits(world: World) -> None:
    world.predict(450)
    report = world.monitor()
    assert (report.windows, report.predictions) == (2, 400)
    assert set(states(world)) == {"weight", "size", "@probability", "@prediction"}
    assert {n for (n,) in world.all(drift_metrics.c.n)} == {200}
    assert world.monitor().windows == 0

    world.now += timedelta(hours=1)
    assert (world.monitor().windows, states(world)["weight"]) == (1, "ok")


def test_a_run_repeated_on_the_same_rows_stores_nothing_twice(world: World) -> None:
    world.predict(400, heavier)
    store = MonitoringTables(world.database)
    world.monitor()
    before = world.all(drift_metrics.c.window_end), world.alerts()
    store.closed_until = lambda *_: None  # type: ignore[method-assign]  # as if another run had started at the same time
    monitor = MonitorDependencies(ALONE, OneReference(), store, load_alert_rules(), lambda: world.now)
    assert run(monitor).windows == 0
    assert (world.all(drift_metrics.c.window_end), world.alerts()) == before


def test_predictions_of_one_batch_are_not_torn_apart(world: World) -> None:
    batch = NOON + timedelta(seconds=5)
    world.predict(300, created_at=batch)
    world.predict(200)
    assert world.monitor().windows == 2
    assert sorted({n for (n,) in world.all(drift_metrics.c.n)}) == [200, 300]


def test_severe_drift_fires_once_and_is_resolved_once(world: World) -> None:
    world.predict(200)
    world.monitor()
    assert world.alerts() == []
    for _ in range(3):
        world.predict(200, heavier)
        world.monitor()
    assert states(world)["weight"] == "severe"
    assert world.alerts() == [("drift", "firing")]
    for _ in range(2):
        world.predict(200)
        world.monitor()
    assert world.alerts() == [("drift", "firing")]
    world.predict(200)
    world.monitor()
    assert world.alerts() == [("drift", "firing"), ("drift", "resolved")]

    (payload,) = world.all(alerts.c.payload)[:1][0]
    facts = payload["facts"]
    assert facts["n"] == 200
    assert facts["columns"]["weight"]["effect"] > 0.2
    assert "200 predictions from 2026-01-02" in payload["explanation"]
    assert "fewer than 1 in 100" in payload["explanation"]
    assert payload["link"].startswith("http://grafana/d/tabserve-predictions?var-use_case=fruit&from=")


def test_many_windows_at_once_store_each_change_and_send_the_net_one(world: World) -> None:
    world.predict(200)
    world.predict(200, heavier)
    world.predict(600)
    assert [alert.state for alert in world.monitor().alerts] == ["firing", "resolved"]
    outbox = Outbox(world.database)
    last = outbox.last("drift", "fruit")
    assert last is not None
    assert last.state == "resolved"
    assert outbox.claim_due(10, world.now, timedelta(minutes=1)) == []

    world.predict(200, heavier)
    world.predict(600)
    world.predict(200, heavier)
    assert [alert.state for alert in world.monitor().alerts] == ["firing", "resolved", "firing"]
    (due,) = outbox.claim_due(10, world.now, timedelta(minutes=1))
    assert (due.alert.state, due.after) == ("firing", None)
    last = outbox.last("drift", "fruit")
    assert last is not None
    assert last.id == due.alert.id

    # What waits is not taken back by a later run: whoever hears of the beginning hears of the end.
    world.predict(600)
    world.monitor()
    outbox.mark_sent(due.alert.id, world.now)
    (due,) = outbox.claim_due(10, world.now, timedelta(minutes=1))
    assert due.alert.state == "resolved"


def test_missing_values_alone_are_drift(world: World) -> None:
    rng = random.Random(9)
    world.predict(200, lambda features: features.update(weight=None if rng.random() < 0.5 else features["weight"]))
    world.monitor()
    assert states(world)["weight"] == "severe"
    methods = dict(world.all(drift_metrics.c.feature, drift_metrics.c.method))
    assert methods["weight"] == "chi2 (missing)"


def test_a_model_that_answers_one_class_only_is_noticed(world: World) -> None:
    world.predict(200, prediction="1")
    world.monitor()
    assert ("one_class", "firing") in world.alerts()
    world.predict(200)
    world.monitor()
    assert ("one_class", "resolved") in world.alerts()


def test_silence_is_noticed_and_so_is_its_end(world: World) -> None:
    world.predict(10)
    world.monitor()
    world.now += timedelta(minutes=61)
    world.monitor()
    world.monitor()
    assert world.alerts() == [("no_predictions", "firing")]
    world.predict(10)
    world.monitor()
    assert world.alerts() == [("no_predictions", "firing"), ("no_predictions", "resolved")]


def test_files_of_invalid_rows_fire_once_and_are_resolved_once(world: World) -> None:
    def arrive(name: str, bad: int, **changes: Any) -> None:
        verdict = ingestion(name, use_case="fruit", rows_good=10 - bad, rows_bad=bad, finished_at=world.now, **changes)
        Ingestions(world.database).save(verdict, [], [])

    arrive("a", 10)
    world.monitor()
    world.now += timedelta(minutes=5)
    arrive("b", 10)
    world.monitor()
    assert world.alerts() == [("invalid_rows", "firing")]
    world.now += timedelta(minutes=11)
    arrive("c", 1)
    world.monitor()
    world.monitor()
    assert world.alerts() == [("invalid_rows", "firing"), ("invalid_rows", "resolved")]


def test_performance_is_estimated_at_once_and_measured_as_outcomes_arrive(world: World) -> None:
    ids = world.predict(200)
    world.know(ids[:20])  # before the window closes
    world.now += timedelta(minutes=2)
    assert world.monitor().measured == 1
    kinds = {row[0] for row in world.all(performance_metrics.c.kind)}
    assert kinds == {"measured", "estimated"}

    def counted() -> list[int]:
        rows = world.all(performance_metrics.c.n, performance_metrics.c.metric, performance_metrics.c.kind)
        return [n for n, metric, kind in rows if (metric, kind) == ("accuracy", "measured")]

    assert counted() == [20]
    world.now += timedelta(minutes=10)
    assert world.monitor().measured == 0
    world.know(ids[20:])
    assert world.monitor().measured == 1
    assert counted() == [200]


def test_a_lower_accuracy_fires_after_two_windows_and_ends_after_three_without(world: World) -> None:
    def window(wrong: bool) -> None:
        world.learn(world.predict(200), wrong)
        world.now += timedelta(minutes=2)
        world.monitor()

    def told() -> list[tuple[str, str]]:
        return [each for each in world.alerts() if each[0] == "performance"]

    window(wrong=False)
    window(wrong=True)
    assert told() == []
    window(wrong=True)
    world.monitor()
    assert told() == [("performance", "firing")]
    for _ in range(3):
        assert told() == [("performance", "firing")]
        window(wrong=False)
    world.monitor()
    assert told() == [("performance", "firing"), ("performance", "resolved")]

    payload = next(payload for rule, payload in world.all(alerts.c.rule, alerts.c.payload) if rule == "performance")
    accuracy = payload["facts"]["metrics"]["accuracy"]
    assert accuracy["n"] == 200
    assert accuracy["low"] < accuracy["value"] < accuracy["high"] < accuracy["limit"]
    assert f"accuracy is {accuracy['value']:.3f} (n = 200, 95 % interval" in payload["explanation"]
    assert payload["link"].startswith("http://grafana/d/tabserve-predictions?var-use_case=fruit&from=")


def test_outcomes_that_arrive_later_count_for_the_windows_they_belong_to(world: World) -> None:
    first, second = world.predict(200), world.predict(200)
    world.monitor()
    world.learn(first + second, wrong=True)
    world.now += timedelta(minutes=2)
    world.monitor()
    assert ("performance", "firing") in world.alerts()


def test_a_performance_alert_that_a_broken_run_could_not_tell_is_told_by_the_next(world: World) -> None:
    for _ in range(2):
        world.learn(world.predict(200), wrong=True)
    world.now += timedelta(minutes=2)
    world.monitor()
    with world.database.transaction() as connection:
        connection.execute(delete(alerts))
    assert world.monitor().measured == 0
    assert ("performance", "firing") in world.alerts()


def test_estimated_performance_fires_before_any_outcome_is_known(world: World) -> None:
    def unsure(features: dict[str, Any]) -> None:
        features["weight"] = 100.0

    for _ in range(2):
        world.predict(200, unsure)
        world.monitor()
    assert ("estimated_performance", "firing") in world.alerts()
    assert "performance" not in dict(world.alerts())


def test_a_version_without_reference_is_reported_and_left_alone(world: World) -> None:
    world.predict(200, model_version="20250101T000000Z-00000000")
    report = world.monitor()
    assert report.without_reference == ["fruit 20250101T000000Z-00000000"]
    assert world.all(drift_metrics.c.feature) == []


@pytest.mark.parametrize(
    "error", [UseCaseError("broken"), ValueError("Age is 'x'"), IncompatibleModelError("malformed")]
)
def test_a_use_case_that_raises_is_told_once_and_stops_no_other(world: World, error: Exception) -> None:
    world.predict(200)
    sick = SickOthers(AMONG_OTHERS.use_cases, error)
    for windows in (1, 0):
        report = world.monitor(sick)
        assert (report.windows, report.failures) == (windows, {"apples": error, "zebras": error})
        world.now += timedelta(seconds=1)
    assert world.alerts() == [("not_monitored", "firing")] * 2
    assert "Age is" not in str(world.all(alerts.c.payload))
    world.monitor(AMONG_OTHERS)
    assert world.alerts()[2:] == [("not_monitored", "resolved")] * 2


def test_an_outage_of_one_use_case_is_reported_and_no_alert(world: World) -> None:
    world.predict(200)
    report = world.monitor(SickOthers(AMONG_OTHERS.use_cases, StorageUnavailableError("away")))
    assert (report.windows, sorted(report.failures)) == (1, ["apples", "zebras"])
    assert world.alerts() == []


def test_bins_of_reference_and_window_are_kept_for_the_panels(world: World) -> None:
    world.predict(200)
    world.monitor()
    bins = dict(world.all(drift_metrics.c.feature, drift_metrics.c.bins))["size"]
    assert [each["bin"] for each in bins] == ["S", "M", "L", "other", "missing"]
    assert sum(each["rows"] for each in bins) == 200
    assert sum(each["reference"] for each in bins) == 400
    assert json.dumps(bins)


def test_a_version_is_watched_although_another_one_took_over(world: World) -> None:
    world.predict(150, model_version=VERSION)
    world.predict(10, model_version="20250101T000000Z-00000000")
    world.monitor()
    world.now += timedelta(minutes=59)
    assert world.monitor().windows == 1
    assert world.database.run(lambda c: c.scalar(text("SELECT max(n) FROM drift_metrics"))) == 150
