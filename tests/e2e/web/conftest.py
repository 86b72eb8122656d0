import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine, Table, create_engine, insert, text

import browser as browser_tools
from local_cloud import processes, ui
from local_cloud.config import HOST, ROOT, Place, free_ports
from tests.conftest import create_database

WIDE, NARROW = (1440, 1000), (375, 812)
Serve = Callable[..., str]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where a Chromium is; without one these tests are skipped, or fail where REQUIRE_BROWSER is set."""
    try:
        return browser_tools.chromium_path()
    except FileNotFoundError as error:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)(str(error))


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """A Chromium to drive."""
    with browser_tools.chromium(chromium_path) as launched:
        yield launched


@pytest.fixture(scope="module")
def serve(chromium_path: str, stack: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Serve the page in front of the stack, which starts only for a browser; settings can be changed."""
    with contextlib.ExitStack() as servers:

        def serve(**changes: str) -> str:
            place = Place(tmp_path_factory.mktemp("ui"), free_ports())
            url = f"http://{HOST}:{place.ports.ui}"
            server = ui.start(place, {**stack, **changes, "UI_URL": url})
            servers.callback(server.stop)
            return url

        yield serve


@dataclass(frozen=True)
class Seeded:
    """The page in front of the running API and of a database of one's own, to be brought into any state."""

    site: str
    engine: Engine

    def add(self, table: Table, *rows: Mapping[str, object]) -> None:
        """Insert rows; columns that a row leaves out take the table's defaults."""
        with self.engine.begin() as connection:
            connection.execute(insert(table), list(rows))

    def take_database_away(self) -> None:
        """End every session and refuse new ones."""
        self._allow(connections=False)
        self._server("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")

    def bring_database_back(self) -> None:
        """Let sessions in again."""
        self._allow(connections=True)

    def _allow(self, *, connections: bool) -> None:
        self._server(f"ALTER DATABASE {self.engine.url.database} ALLOW_CONNECTIONS {connections}")

    def _server(self, statement: str) -> None:
        self.engine.dispose()
        server = create_engine(self.engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            parameters = {"name": self.engine.url.database} if ":name" in statement else {}
            connection.execute(text(statement), parameters)
        server.dispose()


@pytest.fixture
def seeded(stack: Mapping[str, str], postgres_url: str, tmp_path: Path, chromium_path: str) -> Iterator[Seeded]:
    """A page of its own in front of an empty database; what a test puts there is all that anybody sees."""
    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg2://", 1))
    place = Place(tmp_path, free_ports())
    url = f"http://{HOST}:{place.ports.ui}"
    server = ui.start(place, {**stack, "READER_DATABASE_URL": postgres_url, "UI_URL": url})
    yield Seeded(url, engine)
    server.stop()
    engine.dispose()


@dataclass(frozen=True)
class Own(Seeded):
    """The page and the API of this checkout in front of a database of their own."""

    start_api: Callable[[], None]
    stop_api: Callable[[], None]


@pytest.fixture(scope="module")
def own(
    stack: Mapping[str, str], postgres_server: str, tmp_path_factory: pytest.TempPathFactory, chromium_path: str
) -> Iterator[Own]:
    """What a test file may fill, and take the API away from."""
    folder = tmp_path_factory.mktemp("own")
    place = Place(folder, free_ports())
    url, api = f"http://{HOST}:{place.ports.ui}", f"http://{HOST}:{place.ports.emulator}"
    database = create_database(postgres_server, f"own_{folder.name}", "template_tabserve")
    env = {**stack, "DATABASE_URL": database, "PATH": os.defpath, "HOME": str(folder)}
    running: list[processes.Server] = []

    def start_api() -> None:
        command = [sys.executable, "-m", "uvicorn", "functions.predict.app:app", f"--port={place.ports.emulator}"]
        running.append(processes.start("api", command, place, env=env, cwd=ROOT))
        running[-1].wait_until(lambda: processes.answers(f"{api}/health"))

    start_api()
    page = ui.start(place, {**stack, "API_URL": api, "READER_DATABASE_URL": database, "UI_URL": url})
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg2://", 1))
    yield Own(url, engine, start_api, lambda: running.pop().stop())
    for server in (page, *running):
        server.stop()
    engine.dispose()


@pytest.fixture(scope="module")
def site(serve: Serve) -> str:
    """The address of the page in front of the running stack."""
    return serve()


@pytest.fixture(scope="module")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody whose browser keeps what it has loaded once."""
    context = browser.new_context(timezone_id="Asia/Tokyo")
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    """A tab on a wide screen."""
    yield from _tab(visitor, *WIDE)


@pytest.fixture
def phone(visitor: BrowserContext) -> Iterator[Page]:
    """A tab on a phone."""
    yield from _tab(visitor, *NARROW)


def _tab(visitor: BrowserContext, width: int, height: int) -> Iterator[Page]:
    tab = visitor.new_page()
    tab.set_viewport_size({"width": width, "height": height})
    yield tab
    tab.close()


@pytest.fixture
def axe_script() -> str:
    """The accessibility checker that runs in the browser."""
    (path,) = Path(str(files("axe_playwright_python"))).rglob("axe.min.js")
    return path.read_text()
