import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url, text
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import NodeManager

import migrate
from embedded_postgres import embedded_postgres
from local_cloud import supervisor
from tabserve.core import database

# How long an example takes says more about the machine than about the code.
settings.register_profile("tabserve", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tabserve")

# What shares a stack runs in one worker, as does what is in one file elsewhere.
TOGETHER = ("tests/e2e/",)

_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Take down what the fixtures have started when the run is ended from outside, as after Ctrl-C."""
    supervisor.interrupt_on_signals()
    NodeManager.EXIT_TIMEOUT = 60  # ten seconds are few for a stack
    given = os.environ.get("STACK_ENV_FILE")
    if given and not Path(given).is_file():
        raise pytest.UsageError(f"STACK_ENV_FILE: there is no {given}; `make up` writes it.")


def pytest_keyboard_interrupt() -> None:
    """Pass the interrupt on to the workers: a terminal would, `kill` does not."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if children.exists() and "PYTEST_XDIST_WORKER" not in os.environ:
        for pid in map(int, children.read_text().split()):
            os.kill(pid, signal.SIGINT)


def pytest_xdist_auto_num_workers() -> int:
    """One more than cores, for whoever has a stack mostly waits; beyond four there is nothing left to share."""
    return min((os.cpu_count() or 1) + 1, 4)


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Give a worker all tests of a file or of a folder in TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if path.startswith(folder)), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    return Together(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of an embedded PostgreSQL with one migrated database, `template_tabserve`."""
    with embedded_postgres() as url:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # the data die with the tests
            _execute(url, f"ALTER SYSTEM SET {setting} = off")
        _execute(url, "SELECT pg_reload_conf()")
        _execute(url, "CREATE DATABASE template_tabserve")
        migrate.migrate(_with_database(url, "template_tabserve"), reader_password="reader")
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A database of its own without any table."""
    yield from _database(postgres_server, "template1")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A migrated database of its own."""
    yield from _database(postgres_server, "template_tabserve")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A migrated database in a file of its own."""
    url = f"sqlite:///{tmp_path}/tabserve.db"
    migrate.migrate(url)
    return url


@pytest.fixture(params=["postgresql", "sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of each kind."""
    return str(request.getfixturevalue("postgres_url" if request.param == "postgresql" else "sqlite_url"))


def create_database(server: str, name: str, template: str) -> str:
    """Copy a database and return the URL of the copy."""
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return _with_database(server, name)


def _database(server: str, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    yield create_database(server, name, template)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _execute(url: str, statement: str) -> None:
    engine = database.create(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()
