"""The predict function beside the plain stack: cold start and warm calls, each answer stored in PostgreSQL."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import estimator
from benchmarks.bucket import readable_bucket
from benchmarks.built import function_folders, sizes
from benchmarks.fixtures import binary_use_case, champion_file, postgres
from benchmarks.lambda_process import MARK
from benchmarks.measurement import Measurement
from local_cloud.config import REGISTRY, ROOT
from tabserve.adapters.database import create
from tabserve.domain.model import PIPELINE
from tabserve.domain.use_case import CategoryFeature

ROUNDS, CALLS = 11, 200
COLD_RATIO, WARM_RATIO = 0.45, 1 / 8
PLAIN = "pandas, scikit-learn, FastAPI"
TABLE = """CREATE TABLE plain_predictions
    (id text PRIMARY KEY, created_at timestamptz, features json, prediction text, probability float8)"""
NO_WAITING_FOR_THE_DISK = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET synchronous_commit = off",
    "SELECT pg_reload_conf()",
)
API_KEY = "a-key-of-more-than-twenty-characters"


@dataclass(frozen=True)
class Stack:
    """How to start one of the two: what is on its path, its handler and its environment."""

    paths: list[str]
    handler: str
    environment: Mapping[str, str]


def run() -> list[Measurement]:
    """Measure both stacks in turns."""
    with _database() as url, readable_bucket(REGISTRY) as bucket:
        packed, plain = _own(url), _plain(url)
        looked_up = replace(packed, environment={**packed.environment, **bucket})
        cold = _cold(packed, looked_up, plain)
        warm = _warm(packed, plain)
    return [
        Measurement("cold start, the packed champion", cold[0], "ms", COLD_RATIO, PLAIN, cold[2]),
        Measurement("cold start, the champion looked up in the bucket", cold[1], "ms", COLD_RATIO, PLAIN, cold[2]),
        Measurement("warm handler, one record, p50", warm[0], "ms", WARM_RATIO, PLAIN, warm[1]),
        *estimator.measurements(),
        *sizes(),
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


def _own(url: str) -> Stack:
    environment = {
        "DATABASE_URL": url,
        "API_KEY": API_KEY,
        "DEFAULT_USE_CASE": binary_use_case().name,
        "POWERTOOLS_SERVICE_NAME": "predict",
    }
    return Stack(
        [str(path) for path in function_folders("PredictFunction")], "functions.predict.app.handler", environment
    )


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
    event: dict[str, Any] = json.loads((ROOT / "tests/events/predict.json").read_text())
    event["headers"]["x-api-key"] = API_KEY
    event["body"] = json.dumps(binary_use_case().example)
    return event


class _Process:
    """A stack's process that has answered its first event."""

    def __init__(self, stack: Stack) -> None:
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("lambda_process.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.defpath, **stack.environment},
            cwd="/",
            text=True,
        )
        self._write([stack.paths, stack.handler, _event()])
        status, body = json.loads(self._read())
        self.milliseconds = (time.perf_counter() - started) * 1e3
        if status != 200:
            raise RuntimeError(f"{stack.handler} answered {status}: {body}")

    def calls(self, count: int) -> float:
        """Return the median of so many calls, in milliseconds."""
        self._write(count)
        return float(self._read()) * 1e3

    def stop(self) -> None:
        self._process.communicate()

    def _write(self, message: object) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None  # noqa: S101
        for line in self._process.stdout:
            if line.startswith(MARK):
                return line.removeprefix(MARK)
        raise RuntimeError(f"the process ended with {self._process.wait()}")


def _cold(*stacks: Stack) -> list[float]:
    """Return the median milliseconds to the first answer of each, started in turns."""
    rounds = [[_first_answer(stack) for stack in stacks] for _ in range(ROUNDS + 1)]
    return _medians(rounds[1:])  # the first round only warms the disk cache


def _first_answer(stack: Stack) -> float:
    process = _Process(stack)
    process.stop()
    return process.milliseconds


def _warm(*stacks: Stack) -> list[float]:
    """Return the median milliseconds a call of each takes, measured in turns."""
    processes = [_Process(stack) for stack in stacks]
    try:
        return _medians([[process.calls(CALLS) for process in processes] for _ in range(ROUNDS + 1)][1:])
    finally:
        for process in processes:
            process.stop()


def _medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.median(times) for times in zip(*rounds, strict=True)]
