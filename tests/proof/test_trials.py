"""Releases and trials on a running stack under load: each is live within 30 seconds, and no call fails."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

import stack_env
from local_cloud.config import ROOT, free_ports
from local_cloud.stack import local_stack
from tabserve.core.clock import utc_now
from tabserve.core.s3 import S3Store
from tabserve.registry.release import Mover, Releases
from tabserve.registry.store import Registry
from tests.definitions import CATALOG
from tests.failing_versions import COPIES, POISON, Failure, register_failing, register_like

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]

CLIENTS = 50
LIVE_S = 30.0
MORE_S = 5.0  # for which all must be as it was moved
STOPPED_S = 60.0
NAME = "titanic"
RECORD: dict[str, Any] = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
ENTITIES = 10_000
SHADOWED = """SELECT p.created_at, c.model_version FROM predictions AS p
    LEFT JOIN challenger_predictions AS c ON c.prediction_id = p.id AND c.role = 'shadow'
    WHERE p.created_at >= %s AND p.use_case = %s"""
ALERTS = "SELECT payload ->> 'reason' FROM alerts WHERE rule = 'trial_stopped' AND payload ->> 'version' = %s"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The stack that STACK_ENV_FILE names, else one of its own."""
    if file := os.environ.get("STACK_ENV_FILE"):
        yield stack_env.read(Path(file))
        return
    with local_stack(tmp_path_factory.mktemp("stack")) as env:
        yield env


@dataclass
class World:
    """A stack with two versions of one use case."""

    stack: dict[str, str]
    url: str
    registry: Registry = field(init=False)
    releases: Releases = field(init=False)
    first: str = field(init=False)
    second: str = field(init=False)

    def __post_init__(self) -> None:
        """Register the champion again under another name; end what an interrupted run has left."""
        self.registry = Registry(S3Store(stack_env.client(self.stack, "s3"), self.stack["ARTIFACTS_BUCKET"]))
        self.releases = Releases(self.registry, CATALOG.get, utc_now)
        use_case = CATALOG.get(NAME)
        standing = self.registry.standing(NAME)
        if standing.trial:
            self.releases.stop(NAME, Mover("proof"))
        self.first = next(name for name in reversed(self.registry.versions(NAME)) if not name.startswith(COPIES))
        if standing.version != self.first:
            self.releases.promote(NAME, self.first, Mover("proof"))
        self.definition = self.registry.definition(NAME, self.first) or use_case
        self.second = register_like(self.registry, self.definition, self.first, "second")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with psycopg2.connect(self.stack["DATABASE_URL"]) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client with the key."""
        headers = {"x-api-key": self.stack["API_KEY"]}
        limits = httpx.Limits(max_connections=CLIENTS)
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=120, limits=limits) as client:
            yield client


@pytest.fixture(scope="module", params=["function", "uvicorn"])
def url(stack: dict[str, str], request: pytest.FixtureRequest) -> Iterator[str]:
    """The API: the deployed function, a worker a call, and the same app under uvicorn, one for all."""
    if request.param == "function":
        yield stack["API_URL"]
        return
    url = f"http://127.0.0.1:{free_ports().ui}"
    command = [str(Path(sys.executable).with_name("uvicorn")), "functions.predict.app:app", "--no-access-log"]
    settings = {**os.environ, **stack, "DEFAULT_USE_CASE": NAME, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, "--port", url.rpartition(":")[2]], cwd=ROOT, env=settings)
    for _ in range(300):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health").status_code == 200:
                break
        time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def world(stack: dict[str, str], url: str) -> Iterator[World]:
    world = World(stack, url)
    yield world
    standing = world.registry.standing(NAME)
    if standing.trial:
        world.releases.stop(NAME, Mover("proof"))
    if standing.version != world.first:
        world.releases.promote(NAME, world.first, Mover("proof"))


@dataclass(frozen=True)
class Asked:
    """One call: when it began, in seconds and as a time, its status and which version answered."""

    began: float
    at: datetime
    status: int
    version: str


@dataclass
class Load:
    """Clients that ask one record after the other until they are told to stop."""

    client: httpx.AsyncClient
    asked: list[Asked] = field(default_factory=list)
    over: bool = False

    async def run(self, number: int) -> None:
        count = 0
        while not self.over:
            count += 1
            record = {**RECORD, "entity_id": f"load-{number}-{count % 1_000}"}
            began, at = time.monotonic(), datetime.now(UTC)
            answer = await self.client.post("/predict", json={"use_case": NAME, "records": [record]})
            version = answer.json()["model_version"] if answer.status_code == 200 else answer.text
            self.asked.append(Asked(began, at, answer.status_code, version))


async def moved(load: Load, move: Callable[[], object]) -> tuple[float, list[Asked]]:
    """Make a move; return when it was made and what was asked from `LIVE_S` later on."""
    await asyncio.to_thread(move)
    made = time.monotonic()
    await asyncio.sleep(LIVE_S + MORE_S)
    return made, [each for each in load.asked if each.began >= made + LIVE_S]


def test_each_move_is_live_within_30_seconds_and_fails_no_call(world: World) -> None:
    asyncio.run(_moves(world))


async def _moves(world: World) -> None:
    releases, mover = world.releases, Mover("proof")
    async with world.client() as client:
        load = Load(client)
        clients = []
        for number in range(CLIENTS):  # the emulator starts a worker for each client; all at once take minutes
            clients.append(asyncio.create_task(load.run(number)))
            await asyncio.sleep(0.5)
        try:
            made, after = await moved(load, lambda: releases.promote(NAME, world.second, mover))
            tell("promote", load, made, lambda each: each.version == world.second)
            assert {each.version for each in after} == {world.second}

            made, after = await moved(load, lambda: releases.rollback(NAME, mover))
            tell("rollback", load, made, lambda each: each.version == world.first)
            assert {each.version for each in after} == {world.first}

            _, after = await moved(load, lambda: releases.start(NAME, "shadow", world.second, 1.0, mover))
            beside = Counter(version for _, version in world.rows(SHADOWED, after[0].at, NAME))
            print(f"shadow: {dict(beside)} beside the answers from {LIVE_S} s after it")
            assert set(beside) == {world.second}
            assert {each.version for each in after} == {world.first}

            _, after = await moved(load, lambda: releases.stop(NAME, mover))
            assert {version for _, version in world.rows(SHADOWED, after[0].at, NAME)} == {None}

            made, after = await moved(load, lambda: releases.start(NAME, "canary", world.second, 0.5, mover))
            tell("canary", load, made, lambda each: each.version == world.second)
            share = sum(each.version == world.second for each in after) / len(after)
            assert 0.4 < share < 0.6

            made, after = await moved(load, lambda: releases.stop(NAME, mover))
            tell("stop", load, made, lambda each: each.version == world.first)
            assert {each.version for each in after} == {world.first}
        finally:
            load.over = True
            await asyncio.gather(*clients)
    statuses = Counter(each.status for each in load.asked)
    print(f"{CLIENTS} clients, {len(load.asked):,} calls over six moves: {dict(statuses)}")
    assert set(statuses) == {200}


def tell(move: str, load: Load, made: float, is_new: Callable[[Asked], bool]) -> None:
    """Print when the first call was answered after a move, and when the last one as before it."""
    since = [(each.began - made, is_new(each)) for each in load.asked if each.began >= made]
    first = min((at for at, new in since if new), default=float("nan"))
    last = max((at for at, new in since if not new and move != "canary"), default=0.0)
    print(f"{move}: first answer {first:.1f} s after it" + (f", last old one {last:.1f} s" if move != "canary" else ""))


def test_a_canary_answers_a_tenth_of_the_entities_the_same_ones_each_time(world: World) -> None:
    asyncio.run(_shared_out(world))


async def _shared_out(world: World) -> None:
    world.releases.start(NAME, "canary", world.second, 0.1, Mover("proof"))
    try:
        async with world.client() as client:
            await _asked_until(client, world.second)
            first, second = await _canaries(client, world.second), await _canaries(client, world.second)
    finally:
        world.releases.stop(NAME, Mover("proof"))
    print(f"a canary of 10 % answers {len(first):,} of {ENTITIES:,} entities, {len(first ^ second)} of them once only")
    assert 0.09 <= len(first) / ENTITIES <= 0.11
    assert first == second


async def _asked_until(client: httpx.AsyncClient, version: str) -> None:
    """Ask until every instance knows of the trial."""
    began = time.monotonic()
    while time.monotonic() < began + LIVE_S:
        await asyncio.gather(*(_canaries(client, version, 50) for _ in range(8)))
        await asyncio.sleep(1)


async def _canaries(client: httpx.AsyncClient, version: str, count: int = ENTITIES) -> set[str]:
    """Return which of so many entities a version answers."""
    found = set()
    for start in range(0, count, 500):
        names = [f"entity-{number}" for number in range(start, min(start + 500, count))]
        records = [{**RECORD, "entity_id": name} for name in names]
        answer = await client.post("/predict", json={"use_case": NAME, "records": records})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        of = {each["index"]: each.get("model_version", body["model_version"]) for each in body["predictions"]}
        found |= {name for index, name in enumerate(names) if of[index] == version}
    return found


@pytest.mark.parametrize("failure", ["nan", "raises"])
def test_a_canary_that_fails_stops_within_a_minute_and_fails_no_call(world: World, failure: Failure) -> None:
    asyncio.run(_stopped(world, failure))


async def _stopped(world: World, failure: Failure) -> None:
    version = register_failing(world.registry, world.definition, world.first, "Age", failure)
    world.releases.start(NAME, "canary", version, 1.0, Mover("proof"))
    statuses: Counter[int] = Counter()
    failing_since = None
    async with world.client() as client:
        for number in range(300):  # one call a second: little traffic
            record = {**RECORD, "Age": POISON, "entity_id": f"poisoned-{number}"}
            answer = await client.post("/predict", json={"use_case": NAME, "records": [record]})
            statuses[answer.status_code] += 1
            assert answer.json()["model_version"] == world.first
            counted = "SELECT count(*) FROM scoring_counts WHERE model_version = %s AND trial >= %s AND failures > 0"
            if failing_since is None and world.rows(counted, version, world.registry.standing(NAME).number)[0][0]:
                failing_since = time.monotonic()
            if world.registry.standing(NAME).action == "stop":
                break
            await asyncio.sleep(1)
    standing = world.registry.standing(NAME)
    took = time.monotonic() - (failing_since or time.monotonic())
    print(f"a canary that {failure}: stopped {took:.1f} s after its first failure was counted: {standing.reason}")
    assert (standing.action, standing.by, standing.version) == ("stop", "tabserve", world.first)
    assert took < STOPPED_S
    assert statuses == {200: number + 1}
    reasons = [reason.lower() for (reason,) in world.rows(ALERTS, version)]
    assert any(standing.reason.lower() in reason for reason in reasons)
