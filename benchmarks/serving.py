"""The predict function beside the plain stack: cold start and warm calls, each answer stored in PostgreSQL."""

import contextlib
import json
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks import estimator, handler, shadow
from benchmarks.bucket import readable_bucket
from benchmarks.built import functions, size
from benchmarks.fixtures import binary_use_case, champion_file, postgres
from benchmarks.lambda_function import FunctionProcess, Stack, gateway_event, predict_function
from benchmarks.measurement import Measurement, medians
from local_cloud.config import REGISTRY, ROOT
from tabserve.core.database import create
from tabserve.core.features import CategoryFeature
from tabserve.registry.version import PIPELINE

ROUNDS, CALLS = 11, 200
COLD_RATIO, WARM_RATIO = 0.35, 1 / 8
PLAIN = "pandas, scikit-learn, FastAPI"
TABLE = """CREATE TABLE plain_predictions
    (id text PRIMARY KEY, created_at timestamptz, features json, prediction text, probability float8)"""
NO_WAITING_FOR_THE_DISK = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET synchronous_commit = off",
    "SELECT pg_reload_conf()",
)


def run() -> list[Measurement]:
    """Measure both stacks in turns."""
    with _database() as url, readable_bucket(REGISTRY) as (bucket, asked):
        packed, plain = predict_function(url), _plain(url)
        looked_up = replace(packed, environment={**packed.environment, **bucket})
        cold = _cold(packed, looked_up, plain)
        if sum("aliases/champion" in path for path in asked) <= ROUNDS:
            raise RuntimeError("the champion was not looked up in the bucket at every start")
        warm = _warm(packed, plain)
    return [
        Measurement("cold start, the packed champion", cold[0], "ms", COLD_RATIO, PLAIN, cold[2]),
        Measurement("cold start, the champion looked up in the bucket", cold[1], "ms", COLD_RATIO, PLAIN, cold[2]),
        Measurement("warm handler, one record, p50", warm[0], "ms", WARM_RATIO, PLAIN, warm[1]),
        *handler.measurements(),
        *shadow.measurements(),
        *estimator.measurements(),
        *map(size, functions()),
    ]


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """Run a database that does not wait for the disk, whose time belongs to neither stack."""
    with postgres() as url:
        engine = create(url)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in (TABLE, *NO_WAITING_FOR_THE_DISK):
                connection.exec_driver_sql(statement)
        engine.dispose()
        yield url


def _plain(url: str) -> Stack:
    use_case = binary_use_case()
    columns = {f.name: "text" if isinstance(f, CategoryFeature) else "number" for f in use_case.features}
    environment = {
        "DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg2://"),
        "PLAIN_MODEL": str(champion_file(use_case, PIPELINE)),
        "PLAIN_COLUMNS": json.dumps(columns),
    }
    return Stack([str(ROOT), sysconfig.get_path("purelib")], "benchmarks.plain_app.handler", environment)


def _event() -> dict[str, Any]:
    return gateway_event(binary_use_case().example)


def _cold(*stacks: Stack) -> list[float]:
    """Return the median milliseconds to the first answer of each, started in turns."""
    rounds = [[_first_answer(stack) for stack in stacks] for _ in range(ROUNDS + 1)]
    return medians(rounds[1:])  # the first round only warms the disk cache


def _first_answer(stack: Stack) -> float:
    process = FunctionProcess(stack, _event())
    process.stop()
    return process.milliseconds


def _warm(*stacks: Stack) -> list[float]:
    """Return the median milliseconds a call of each takes, measured in turns."""
    processes = [FunctionProcess(stack, _event()) for stack in stacks]
    try:
        return medians([[process.calls(CALLS) for process in processes] for _ in range(ROUNDS + 1)][1:])
    finally:
        for process in processes:
            process.stop()
