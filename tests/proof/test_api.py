"""The prediction API at full size: hostile requests, load, an absent database, a new and a broken champion.

Each runs against the deployed function on the emulator, and most against uvicorn too, with real PostgreSQL.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

import stack_env
from local_cloud import postgres
from local_cloud.config import ROOT, Place, free_ports
from local_cloud.progress import silent
from local_cloud.stack import running_stack
from tabserve.core import service as common
from tabserve.core.entities import Entity
from tabserve.core.s3 import S3Store
from tabserve.core.settings import read_settings
from tabserve.features.store import DynamoFeatures
from tabserve.registry.store import Registry
from tests.proof import known_entity

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1200)]

CLIENTS = 50
SECONDS = float(os.environ.get("LOAD_SECONDS", "60"))
OUTAGE_SECONDS = 20.0
RECORD: dict[str, str | float] = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}


@dataclass
class Api:
    """A running API and the database behind it."""

    url: str
    key: str
    database_url: str
    env: dict[str, str]
    stop_database: Callable[[], None]
    start_database: Callable[[], None]


class Database:
    """The stack's PostgreSQL, to be stopped and started."""

    def __init__(self, place: Place, server: Any) -> None:
        self.place, self.server = place, server

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server = postgres.start(self.place)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    place = Place(tmp_path_factory.mktemp("stack"), free_ports(), durable=False)
    with running_stack(place, step=silent) as stack:
        database = Database(place, stack.servers[0])
        env = stack.env
        api = Api(env["API_URL"], env["API_KEY"], env["DATABASE_URL"], env, database.stop, database.start)
        yield api
        database.stop()


@pytest.fixture(scope="module")
def warm(deployed: Api) -> Api:
    """The deployed API with a worker for each client."""
    _warm_up(deployed)
    return deployed


@pytest.fixture(scope="module")
def served(deployed: Api) -> Iterator[Api]:
    """The same app under uvicorn, one worker, on the same database."""
    port = free_ports().ui
    settings = {**os.environ, **deployed.env, "DEFAULT_USE_CASE": "titanic"}
    command = [str(Path(sys.executable).with_name("uvicorn")), "functions.predict.app:app", "--port", str(port)]
    process = subprocess.Popen([*command, "--no-access-log"], cwd=ROOT, env=settings, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while not _answers(url) and time.monotonic() < deadline:
        time.sleep(0.2)
    yield Api(url, deployed.key, deployed.database_url, deployed.env, deployed.stop_database, deployed.start_database)
    process.terminate()
    process.wait(20)


@pytest.fixture(params=["warm", "served"])
def api(request: pytest.FixtureRequest) -> Api:
    found: Api = request.getfixturevalue(request.param)
    return found


def test_no_request_makes_a_server_error_or_breaks_the_schema(deployed: Api, tmp_path: Path) -> None:
    features = DynamoFeatures(lambda: stack_env.client(deployed.env, "dynamodb"), deployed.env["FEATURES_TABLE"])
    catalog = common.catalog(read_settings())
    for name in catalog.names():
        features.put(name, [Entity(known_entity.KNOWN, catalog.get(name).example, datetime.now(UTC))])
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{deployed.url}/openapi.json"]
    options = ["--url", deployed.url, "-H", f"x-api-key: {deployed.key}", "--checks", "all", "--max-examples", "100"]
    hooks = {"SCHEMATHESIS_HOOKS": known_entity.__name__, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *options, "--continue-on-failure"],
        cwd=tmp_path,
        env=os.environ | hooks,
        capture_output=True,
        text=True,
    )
    print(done.stdout[-4000:])
    assert done.returncode == 0
    generated = int(done.stdout.split(" generated")[0].split()[-1])
    assert generated >= 2000


@dataclass
class Load:
    """What clients that never pause were answered."""

    answered: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    versions: list[tuple[float, str]] = field(default_factory=list)
    retry_after: set[str | None] = field(default_factory=set)
    errors: Counter[str] = field(default_factory=Counter)

    def note(self, response: httpx.Response) -> None:
        self.statuses[response.status_code] += 1
        if response.status_code == 503:
            self.retry_after.add(response.headers.get("retry-after"))
        if response.status_code == 200:
            body = response.json()
            self.answered += [entry["prediction_id"] for entry in body["predictions"]]
            self.versions.append((time.monotonic(), body["model_version"]))


def _warm_up(api: Api) -> None:
    """Have the emulator start a worker for each client and some more, five at a time: all at once take minutes."""
    for calls in range(5, CLIENTS + 6, 5):
        asyncio.run(_all_at_once(api, calls))


async def _all_at_once(api: Api, calls: int) -> None:
    """Hold calls up in the database until all have arrived, so that no worker is free to take two of them."""
    async with httpx.AsyncClient(timeout=120) as client:
        with closing(psycopg2.connect(api.database_url)) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE")
            url, headers = f"{api.url}/predict", {"x-api-key": api.key}
            waiting = [asyncio.create_task(client.post(url, json=RECORD, headers=headers)) for _ in range(calls)]
            await asyncio.sleep(3)
        assert {response.status_code for response in await asyncio.gather(*waiting)} == {200}


async def _clients(api: Api, load: Load, seconds: float) -> None:
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=CLIENTS)) as client:
        end = time.monotonic() + seconds

        async def one() -> None:
            while time.monotonic() < end:
                try:
                    load.note(await client.post(f"{api.url}/predict", json=RECORD, headers={"x-api-key": api.key}))
                except httpx.HTTPError as error:
                    load.errors[repr(error)] += 1

        await asyncio.gather(*(one() for _ in range(CLIENTS)))


def _under_load(api: Api, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> Load:
    load = Load()

    async def both() -> None:
        await asyncio.gather(_clients(api, load, seconds), asyncio.to_thread(meanwhile))

    asyncio.run(both())
    print(f"{len(load.answered)} answered in {seconds:.0f} s, statuses {dict(load.statuses)}")
    return load


def _stored(api: Api, ids: list[str]) -> Counter[str]:
    connection = psycopg2.connect(api.database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM predictions WHERE id = ANY(%s::uuid[])", [ids])
        found = Counter(id_ for (id_,) in cursor.fetchall())
    connection.close()
    return found


def _assert_stored_once(api: Api, load: Load) -> None:
    assert len(set(load.answered)) == len(load.answered) > 0
    assert _stored(api, load.answered) == Counter(load.answered)


def test_fifty_clients_get_no_error_and_every_answer_is_stored_once(api: Api) -> None:
    load = _under_load(api, SECONDS)
    assert not load.errors
    assert set(load.statuses) == {200}
    _assert_stored_once(api, load)


def test_while_the_database_is_away_clients_are_told_to_retry_and_nothing_is_lost(api: Api) -> None:
    def outage() -> None:
        time.sleep(5)
        api.stop_database()
        time.sleep(OUTAGE_SECONDS)
        api.start_database()

    load = _under_load(api, OUTAGE_SECONDS + 20, outage)
    assert not load.errors
    assert set(load.statuses) == {200, 503}
    assert None not in load.retry_after
    _assert_stored_once(api, load)
    after = _under_load(api, 2)
    assert set(after.statuses) == {200}


def test_a_new_champion_is_served_in_thirty_seconds_and_a_broken_one_never(api: Api) -> None:
    registry, store = _registry(api)
    first = str(registry.alias("titanic", "champion"))
    good = _copied(store, first, f"20990101T000000Z-{int(time.time()) % 10**8:08d}")
    broken = _copied(store, first, f"20990102T000000Z-{int(time.time()) % 10**8:08d}", spoil=True)
    promoted: list[float] = []

    def promote() -> None:
        time.sleep(3)
        registry.point("titanic", "champion", good)
        promoted.append(time.monotonic())
        time.sleep(33)
        registry.point("titanic", "champion", broken)
        promoted.append(time.monotonic())
        time.sleep(33)

    load = _under_load(api, 70, promote)
    registry.point("titanic", "champion", first)
    assert not load.errors
    assert set(load.statuses) == {200}
    versions = {version for _, version in load.versions}
    assert good in versions
    assert broken not in versions
    # Later on an instance that starts beside a broken champion serves the one that was packed with it.
    late = [at - promoted[0] for at, version in load.versions if version == first and at < promoted[1]]
    print(f"the old champion last answered {max(late):.1f} s after the new one was promoted")
    assert max(late) <= 30.5  # the clock of the answer's arrival, not of its making
    _assert_stored_once(api, load)
    assert _alerts(api, broken)


def _registry(api: Api) -> tuple[Registry, S3Store]:
    store = S3Store(stack_env.client(api.env, "s3"), api.env["ARTIFACTS_BUCKET"])
    return Registry(store), store


def _copied(store: S3Store, version: str, name: str, *, spoil: bool = False) -> str:
    """Register a version's files again under another name; spoil the model's last byte."""
    for key in list(store.keys(f"models/titanic/{version}/")):
        body = store.get(key)
        if key.endswith("metadata.json"):
            body = body.replace(version.encode(), name.encode())
        if spoil and key.endswith("model.onnx"):
            body = body[:-1] + b"!"
        store.put(key.replace(version, name), body)
    return name


def _alerts(api: Api, version: str) -> list[Any]:
    connection = psycopg2.connect(api.database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT rule FROM alerts WHERE payload->>'version' = %s AND state = 'firing'", [version])
        found = cursor.fetchall()
    connection.close()
    return found


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
