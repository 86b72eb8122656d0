"""What several benchmarks need: a use case, a champion, a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

import migrate
import training
from embedded_postgres import embedded_postgres
from local_cloud.config import REGISTRY
from tabserve.core import service as common
from tabserve.core.settings import read_settings
from tabserve.core.use_case import UseCase

LOG_FILES = 40


def binary_use_case() -> UseCase:
    """Return a bundled use case with two classes and an example record."""
    catalog = common.catalog(read_settings())
    cases = map(catalog.get, catalog.names())
    return next(case for case in cases if case.task == "binary_classification" and case.example)


def champion_file(use_case: UseCase, name: str) -> Path:
    """Return a file of the champion in the local registry, trained first if there is none."""
    registry = training.folder_registry(REGISTRY)
    training.train_missing(registry)
    version = registry.alias(use_case.name, "champion")
    return REGISTRY / "models" / use_case.name / str(version) / name


@contextmanager
def postgres() -> Iterator[str]:
    """Run a migrated PostgreSQL of its own, durable commits included, that has run for a while; yield its URL."""
    with embedded_postgres() as url:
        migrate.migrate(url)
        _recycle_log_files(url)
        yield url


def _recycle_log_files(url: str) -> None:
    """Have a stock of used log files, as every server has after a while: making a new one delays commits by 60 ms."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET min_wal_size = '1GB'")
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute("CREATE TABLE scratch (n integer)")
        for _ in range(LOG_FILES):
            cursor.execute("INSERT INTO scratch VALUES (1)")
            cursor.execute("SELECT pg_switch_wal()")
        cursor.execute("DROP TABLE scratch")
        cursor.execute("CHECKPOINT")
    connection.close()
