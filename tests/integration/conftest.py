from collections.abc import Iterator
from contextlib import closing, nullcontext
from typing import Any

import psycopg2
import pytest

from tabserve.core.database import Database
from tests.definitions import FOLDER

ROWS = 1_000_000
SEED = f"""
INSERT INTO predictions (id, request_id, use_case, model_version, source, created_at, features, prediction,
                         probability, probabilities, entity_id)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'r',
       (ARRAY['titanic', 'iris'])[1 + (n % 10 = 0)::int], 'v' || n / 300000,
       (ARRAY['webapp', 'scheduled', 'api'])[1 + n % 3], now() - interval '5 minutes' - n * interval '1 second',
       '{{"Sex": "male", "Age": 30.5, "Fare": 7.25}}', (n % 2)::text, 0.5, '{{"0": 0.5, "1": 0.5}}',
       CASE n % 5 WHEN 0 THEN 'often' ELSE (n % 50000)::text END
FROM generate_series(1, {ROWS}) AS n
"""


@pytest.fixture(autouse=True)
def use_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever reads the settings find the tests' definitions."""
    monkeypatch.setenv("USE_CASES_DIR", str(FOLDER))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Every database that tabserve runs on, empty."""
    with closing(Database(database_url)) as database:
        yield database


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    """The one that it runs on in production, empty."""
    with closing(Database(postgres_url)) as database:
        yield database


@pytest.fixture
def admin(postgres_url: str) -> Iterator[Any]:
    """A cursor of PostgreSQL's owner, each of its statements a transaction."""
    with closing(psycopg2.connect(postgres_url)) as connection:
        connection.autocommit = True
        yield connection.cursor()


@pytest.fixture(params=["postgresql", "sqlite", "fake"])
def any_url(request: pytest.FixtureRequest) -> str:
    """Every database where a fake passes the same tests: the fake has no URL."""
    fixtures = {"postgresql": "postgres_url", "sqlite": "sqlite_url"}
    return request.getfixturevalue(fixtures[request.param]) if request.param in fixtures else ""


@pytest.fixture
def any_database(any_url: str) -> Iterator[Database | None]:
    """The same as a database, or None."""
    with closing(Database(any_url)) if any_url else nullcontext() as database:
        yield database


@pytest.fixture(scope="session")
def million_predictions(postgres_server: str) -> str:
    """A database with a million predictions: nine of ten about titanic, from three sources, of four versions.

    A fifth is about the entity `often`, the others about one in 50 000."""
    from tests.conftest import create_database

    url = create_database(postgres_server, "million", "template_tabserve")
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix_predictions_%'")
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute(SEED)
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE predictions")
    connection.close()
    return url
