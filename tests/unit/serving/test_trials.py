"""Challengers beside the champion: whose answer a record gets, what is stored, and when a trial stops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from functions.predict.routes.predictions import predictions_body
from tabserve.core.errors import AliasMovedError, StorageUnavailableError
from tabserve.core.records import Origin, Value
from tabserve.registry.release import Mover
from tabserve.registry.standing import TrialKind
from tabserve.serving.answers import Challenger, Model, Served
from tabserve.serving.service import Answer, PredictRequest, predict, predict_file, predict_once
from tabserve.serving.trial import FAILURES_IN_A_ROW
from tests.coroutines import run
from tests.definitions import DERIVED_OF_TRIP, RENT, RENTS, TRIP, TRIPS
from tests.fakes.catalog import FakeCatalog
from tests.fakes.models import FakeModel, FakeModels
from tests.fakes.predictions import FakePredictions
from tests.fakes.serving import predict_dependencies, trials

CHALLENGER = "20260404T000000Z-00000004"
NUMBER = 7
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Raises(FakeModel):
    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> NDArray[np.float64]:
        raise RuntimeError("a secret value of a row")


@dataclass
class Unfinished(FakeModel):
    """Answers every second row with NaN."""

    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> NDArray[np.float64]:
        answers = super().score(columns, rows)
        answers[1::2] = np.nan
        return answers


@dataclass
class Releases:
    """Keeps which trials were stopped."""

    error: Exception | None = None
    stopped: list[tuple[str, Mover]] = field(default_factory=list)

    def stop(self, use_case: str, mover: Mover) -> None:
        if self.error:
            raise self.error
        self.stopped.append((use_case, mover))


class OnTrial(FakeModels):
    """A champion that always answers the first class, and a challenger beside it."""

    kind: TrialKind = "shadow"
    share: float = 1.0
    challenger: Model | None = None
    reloads: int = 0

    def champion(self, name: str) -> Served:
        served = super().champion(name)
        model: Model = served.model if served.use_case.is_regression else FakeModel([0.8, 0.2])
        if self.challenger is None:
            return replace(served, model=model)
        beside = Challenger(self.kind, self.share, NUMBER, Served(served.use_case, self.challenger))
        return replace(served, model=model, challenger=beside)

    def reload(self, name: str) -> Served:
        self.reloads += 1
        self.challenger = None
        return self.champion(name)


class World:
    """A process with a trial of a use case of two classes."""

    def __init__(self, kind: TrialKind, model: Model | None, share: float = 1.0) -> None:
        self.catalog = FakeCatalog([TRIPS])
        self.stored, self.releases, self.models = FakePredictions(), Releases(), OnTrial(catalog=self.catalog)
        self.models.kind, self.models.share, self.models.challenger = kind, share, model
        self.told: list[str] = []
        self.now = 0.0
        watched = trials(
            self.stored,
            self.models,
            self.releases,
            stopped=lambda _, reason: self.told.append(reason),
            clock=lambda: NOW,
            seconds=lambda: self.now,
        )
        self.deps = predict_dependencies(self.stored, catalog=self.catalog, models=self.models, trials=watched)

    def ask(self, *entities: str | None) -> Answer:
        """Ask for a trip of each entity, as a call that comes a minute after the last one."""
        self.now += 60
        records = [{**TRIP, "entity_id": each} if each else TRIP for each in entities]
        return run(predict(PredictRequest("request-1", "trips", "api", records), self.deps))

    def by_role(self) -> dict[str, int]:
        roles = [each.role for each in self.stored.stored.values()]
        return {role: roles.count(role) for role in set(roles)}

    def counted(self) -> dict[str, tuple[int, int, int]]:
        """Calls, failed calls and rows of each role."""
        found: dict[str, tuple[int, int, int]] = {}
        for _, each in self.stored.scored:
            before = found.get(each.role, (0, 0, 0))
            found[each.role] = (before[0] + each.calls, before[1] + each.failures, before[2] + each.rows)
        return found


def challenger(probability: float = 0.9, **given: Any) -> FakeModel:
    return FakeModel([1 - probability, probability], CHALLENGER, **given)


def test_a_shadow_answers_nothing_and_is_stored_beside_each_answer() -> None:
    world = World("shadow", challenger(0.9))
    answer = world.ask("a", "b")

    assert answer.batch.model_version != CHALLENGER
    assert world.by_role() == {"champion": 2}
    assert [each["prediction_id"] for each in world.stored.beside] == list(world.stored.stored)
    said = {
        (each["role"], each["model_version"], each["prediction"], each["probability"]) for each in world.stored.beside
    }
    assert said == {("shadow", CHALLENGER, "yes", 0.9)}
    assert world.counted() == {"champion": (1, 0, 2), "shadow": (1, 0, 2)}


def test_without_a_trial_nothing_is_counted() -> None:
    world = World("shadow", None)
    world.ask("a")
    assert (world.stored.scored, world.stored.beside) == ([], [])


def test_a_canary_answers_its_share_always_the_same_and_more_of_a_larger_one() -> None:
    entities = [f"entity-{number}" for number in range(2_000)]
    answered = {}
    for share in (0.1, 0.3):
        world = World("canary", challenger(), share)
        for part in (entities, entities[::-1]):
            world.ask(*part)
        by_entity = [each.entity_id for each in world.stored.stored.values() if each.role == "canary"]
        answered[share] = set(by_entity)
        assert len(by_entity) == 2 * len(answered[share])
        assert abs(len(answered[share]) / 2_000 - share) < 0.03
    assert answered[0.1] < answered[0.3]


def test_records_without_an_entity_are_shared_out_one_by_one() -> None:
    world = World("canary", challenger(), 0.5)
    world.ask(*[None] * 400)
    assert abs(world.by_role()["canary"] - 200) < 60


def test_the_answer_names_the_version_of_each_prediction() -> None:
    world = World("canary", challenger(0.9), 0.5)
    answer = world.ask(*(f"entity-{number}" for number in range(40)))
    body = orjson.loads(predictions_body(answer))

    assert [each["index"] for each in body["predictions"]] == list(range(40))
    for each in body["predictions"]:
        stored = world.stored.stored[each["prediction_id"]]
        assert each.get("model_version", body["model_version"]) == stored.model_version
        assert stored.entity_id == f"entity-{each['index']}"
        assert each["prediction"] == stored.prediction == ("yes" if stored.role == "canary" else "no")
    assert {each.get("model_version") for each in body["predictions"]} == {None, CHALLENGER}


def test_an_answer_of_a_canary_alone_is_of_its_version() -> None:
    body = orjson.loads(predictions_body(World("canary", challenger()).ask("a")))
    assert body["model_version"] == CHALLENGER
    assert "model_version" not in body["predictions"][0]


def test_a_canary_derives_by_its_own_definition() -> None:
    world = World("canary", challenger())
    world.ask("a")
    [stored] = world.stored.stored.values()
    assert dict(stored.features) == {**TRIP, **DERIVED_OF_TRIP}


@pytest.mark.parametrize("kind", ["shadow", "canary"])
@pytest.mark.parametrize(
    "model", [Raises([0.5, 0.5], CHALLENGER), FakeModel([float("nan")] * 2, CHALLENGER), FakeModel([1.0], CHALLENGER)]
)
def test_the_champion_answers_for_a_challenger_that_fails_and_it_stops(kind: TrialKind, model: FakeModel) -> None:
    world = World(kind, model)
    for asked in range(FAILURES_IN_A_ROW):
        assert world.releases.stopped == []
        world.ask(f"entity-{asked}")

    assert world.by_role() == {"champion": FAILURES_IN_A_ROW}
    assert world.stored.beside == []
    [(use_case, mover)] = world.releases.stopped
    assert (use_case, mover.by, mover.expected) == ("trips", "tabserve", NUMBER)
    assert "3 calls in a row" in mover.reason
    assert "secret" not in mover.reason
    assert (world.told, world.models.reloads) == ([mover.reason], 1)
    world.ask("b")
    assert world.counted()[kind] == (FAILURES_IN_A_ROW, FAILURES_IN_A_ROW, FAILURES_IN_A_ROW)


@pytest.mark.parametrize("kind", ["shadow", "canary"])
def test_rows_without_a_finite_answer_are_the_champions(kind: TrialKind) -> None:
    world = World(kind, Unfinished([0.1, 0.9], CHALLENGER))
    answer = world.ask("a", "b", "c", "d")

    if kind == "canary":
        assert {each.entity_id: each.role for each in world.stored.stored.values()} == {
            "a": "canary",
            "b": "champion",
            "c": "canary",
            "d": "champion",
        }
        assert [each["index"] for each in orjson.loads(predictions_body(answer))["predictions"]] == [0, 1, 2, 3]
    else:
        assert [each["prediction_id"] for each in world.stored.beside] == [answer.batch.ids[0], answer.batch.ids[2]]
    assert world.counted()[kind] == (1, 1, 4)


def test_failures_at_the_same_moment_stop_a_trial_at_once() -> None:
    world = World("canary", Raises([0.5, 0.5], CHALLENGER))
    for asked in range(FAILURES_IN_A_ROW):
        world.ask(f"entity-{asked}")
        world.now = 0.0
    assert len(world.releases.stopped) == 1


def test_failures_of_other_instances_count() -> None:
    world = World("canary", challenger())
    world.ask("a")
    [canary] = [each for _, each in world.stored.scored if each.role == "canary"]
    world.stored.add_scoring([replace(canary, calls=3, failures=3)], NOW)
    world.ask("a")
    [(_, mover)] = world.releases.stopped
    assert "3 of 5 calls" in mover.reason


def test_a_slow_challenger_stops() -> None:
    world = World("shadow", challenger())
    world.ask("a")
    for each in [each for _, each in world.stored.scored]:
        slow = each.role == "shadow"
        world.stored.add_scoring([replace(each, calls=200, bucket=0.5 if slow else 0.001)], NOW)
    world.ask("a")
    [(_, mover)] = world.releases.stopped
    assert "0.5 s" in mover.reason


@pytest.mark.parametrize("error", [AliasMovedError("promoted meanwhile"), StorageUnavailableError("away")])
def test_a_trial_that_cannot_be_stopped_fails_no_call_and_is_told_to_nobody(error: Exception) -> None:
    world = World("canary", Raises([0.5, 0.5], CHALLENGER))
    world.releases.error = error
    for asked in range(FAILURES_IN_A_ROW):
        world.ask(f"entity-{asked}")
    assert world.told == []
    assert world.models.reloads == int(isinstance(error, AliasMovedError))

    world.releases.error, world.models.challenger = None, Raises([0.5, 0.5], CHALLENGER)
    world.ask("again")
    if isinstance(error, StorageUnavailableError):
        assert len(world.releases.stopped) == 1


def test_an_unavailable_database_loses_no_counts() -> None:
    world = World("shadow", challenger())
    world.ask("a")
    world.now += 60
    world.stored.unavailable = True
    world.deps.trials.observe(world.models.champion("trips").challenger, "shadow", CHALLENGER, 1, 0.1)  # type: ignore[arg-type]
    world.deps.trials.settle()
    world.stored.unavailable = False
    world.now += 60
    world.deps.trials.settle()
    assert world.counted()["shadow"] == (2, 0, 2)


def test_rows_of_files_and_repeated_requests_are_on_trial_too() -> None:
    world = World("canary", challenger(), 0.5)
    origin = Origin("f" * 64, tuple(range(1, 101)), 1)
    records = [{**TRIP, "entity_id": f"entity-{number}"} for number in origin.row_numbers]
    of_file = predict_file(PredictRequest("r", "trips", "scheduled", records, origin), origin, world.deps)

    assert of_file.predicted == len(world.stored.stored) == 100
    of_canary = {each.row_number for each in world.stored.stored.values() if each.role == "canary"}
    assert {each.entity_id for each in world.stored.stored.values() if each.row_number in of_canary} == {
        f"entity-{number}" for number in of_canary
    }
    assert 30 < len(of_canary) < 70

    request = PredictRequest("m", "trips", "queue", records)
    first = predict_once(request, "k", "0", predictions_body, world.deps)
    assert predict_once(request, "k", "0", predictions_body, world.deps) == first
    assert len(world.stored.stored) == 200


def test_a_challenger_of_numbers_is_stored_with_its_interval() -> None:
    stored = FakePredictions()
    known = FakeCatalog([RENTS])
    models = OnTrial(catalog=known)
    models.challenger = FakeModel([12.5], CHALLENGER)
    deps = predict_dependencies(stored, models=models, catalog=known)
    run(predict(PredictRequest("r", "rents", "api", [RENT]), deps))
    [said] = stored.beside
    assert (said["prediction"], said["value"], said["low"]) == ("12.5", 12.5, None)
