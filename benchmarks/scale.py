"""A large and a wide raw file on a stack of its own, from the upload to the last prediction, beside a bare COPY.

`make bench ARGS=scale` takes 1 M rows of 5 columns and 100 000 rows of 200 columns. This module by itself takes others,
and small files that arrive beside the large one: PYTHONPATH=scripts:. .venv/bin/python -m benchmarks.scale --help
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from threading import Event
from typing import Any, Final

import psycopg2
from rich.console import Console

import stack_env
import training
from benchmarks.built import functions
from benchmarks.measurement import Measurement, table
from benchmarks.scale_data import definition, write_raw_file, write_training_data
from local_cloud.progress import Steps
from local_cloud.stack import local_stack
from tabserve.core.catalog import YamlCatalog
from tabserve.core.s3 import S3Store
from tabserve.registry.store import Registry

ROWS: Final = 1_000_000
COLUMNS: Final = 5
WIDE: Final = (200, 100_000)
SECONDS_LIMIT: Final = 25.0
COPY_LIMIT: Final = 4.0
SMALL_FILE_LIMIT_S: Final = 120.0
SMALL_ROWS: Final = 100
NEVER: Final = "rate(1 day)"  # the benchmark starts the runs
LOOK_EVERY_S: Final = 0.5
PATIENCE_S: Final = 3_600.0
MEMORY: Final = re.compile(r"VmHWM:\s+(\d+) kB")

FILE = (
    "SELECT file_id, rows_good, rows_bad, started_at, finished_at FROM ingestions WHERE key = %s AND report_key <> ''"
)
PREDICTED = """SELECT extract(epoch FROM i.predicted_at - (SELECT min(started_at) FROM prediction_runs
        WHERE finished_at > i.finished_at)), (SELECT count(*) FROM predictions p WHERE p.file_id = i.file_id),
    (SELECT count(DISTINCT row_number) FROM predictions p WHERE p.file_id = i.file_id), prediction_error
    FROM ingestions i WHERE file_id = %s AND (predicted_at IS NOT NULL OR prediction_error IS NOT NULL)
    AND EXISTS (SELECT FROM prediction_runs WHERE finished_at > i.finished_at)"""
SMALL = """SELECT count(*), extract(epoch FROM max(predicted_at - written_at)) FROM ingestions
    WHERE key LIKE '%%/small-%%' AND predicted_at IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a large file took: seconds to its verdict, and seconds from the run's start to the last prediction."""

    file_id: str
    judged_s: float
    predicted_s: float


def run() -> list[Measurement]:
    """Measure the default sizes."""
    return list(measured(ROWS, COLUMNS, WIDE))


def measured(
    rows: int, columns: int, wide: tuple[int, int] | None, small_files: int = 0, before: Sequence[int] = ()
) -> Iterator[Measurement]:
    """Yield what a stack of its own takes for a long file, for a wide one and for small ones beside the long one.

    Files of as many rows as `before` says are scored first, one after the other: the first of all starts cold.
    """
    step = Steps(Console(stderr=True, highlight=False))
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        overrides = {"ScheduleExpression": NEVER, "MonitorScheduleExpression": NEVER}
        with local_stack(folder / "stack", step=step, overrides=overrides) as env, peaks() as peak:
            bench = Bench(env, folder)
            widths = {columns, *([wide[0]] if wide else [])}
            with step(f"Use cases of {' and '.join(map(str, sorted(widths)))} columns, with models"):
                bench.add_use_cases(widths)
            for number, count in enumerate(before, 1):
                with step(f"{count:,} rows x {columns} columns before it"):
                    scored = bench.score(columns, count, 0)
                seconds = scored.predicted_s
                yield Measurement(f"{number}. file, {count:,} rows, predictions", seconds, "s", PATIENCE_S)
                yield Measurement(f"{number}. file, {count:,} rows, a row", seconds / count * 1e6, "us", PATIENCE_S)
            with step(f"{rows:,} rows x {columns} columns, {small_files} small files beside it"):
                scored = bench.score(columns, rows, small_files)
            label = f"{rows:,} rows x {columns}"
            copied = bench.bare_copy(scored.file_id)
            yield Measurement(f"{label}, a row", scored.predicted_s / rows * 1e6, "us", PATIENCE_S)
            yield Measurement(f"{label}, raw file to verdict", scored.judged_s, "s", PATIENCE_S)
            limit = SECONDS_LIMIT * max(rows / ROWS, 0.1)
            yield Measurement(f"{label}, run's start to last prediction", scored.predicted_s, "s", limit)
            yield Measurement(f"{label}, predictions", scored.predicted_s, "s", COPY_LIMIT, "bare COPY", copied)
            if small_files:
                slowest = bench.slowest_small_file(small_files)
                yield Measurement(f"{small_files} small files beside it, slowest", slowest, "s", SMALL_FILE_LIMIT_S)
            if wide:
                with step(f"{wide[1]:,} rows x {wide[0]} columns"):
                    scored = bench.score(*wide, 0)
                yield Measurement(f"{wide[1]:,} rows x {wide[0]}, raw file to verdict", scored.judged_s, "s", 900)
                yield Measurement(f"{wide[1]:,} rows x {wide[0]}, predictions", scored.predicted_s, "s", 900)
        for function, megabytes in sorted(peak.items()):
            yield Measurement(f"{function}, peak memory of a process", megabytes, "MB", bench.memory(function))


class Bench:
    """A running stack with use cases of its own."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env = env
        self._folder = folder
        self._definitions = folder / "use_cases"
        self._s3 = stack_env.client(env, "s3")
        self._lambda = stack_env.client(env, "lambda")
        self._database: Any = psycopg2.connect(env["DATABASE_URL"])
        self._database.autocommit = True

    def add_use_cases(self, widths: set[int]) -> None:
        """Train a use case of each width, and tell the functions of the definitions."""
        self._definitions.mkdir()
        for width in widths:
            data = self._folder / f"train-{width}.csv"
            write_training_data(data, width, 3_000)
            (self._definitions / f"{_name(width)}.yaml").write_text(definition(_name(width), width, data))
        catalog = YamlCatalog(self._definitions)
        registry = Registry(S3Store(self._s3, self._env["ARTIFACTS_BUCKET"]))
        for name in catalog.names():
            use_case = catalog.get(name)
            training.train_use_case(use_case, training.labelled_data(use_case), registry, promote=True)
        for each in self._lambda.list_functions()["Functions"]:
            variables = each["Environment"]["Variables"] | {"USE_CASES_DIR": str(self._definitions)}
            self._lambda.update_function_configuration(
                FunctionName=each["FunctionName"], Environment={"Variables": variables}
            )

    def score(self, columns: int, rows: int, small_files: int) -> Scored:
        """Upload a file, wait for its verdict, start a run and wait for the last prediction; every row once."""
        raw, key = self._folder / "raw.csv", f"{_name(columns)}/{token_hex(4)}-{rows}.csv"
        good = write_raw_file(raw, columns, rows)
        started = time.monotonic()
        self._s3.upload_file(str(raw), self._env["RAW_BUCKET"], key)
        file_id, rows_good, rows_bad, began, ended = self._wait(FILE, key)
        judged = time.monotonic() - started
        if (rows_good, rows_bad) != (good, rows - good):
            raise RuntimeError(f"{rows_good} rows are good and {rows_bad} bad, not {good} and {rows - good}")
        print(f"    judged by the function in {(ended - began).total_seconds():.1f} s", file=sys.stderr)
        self._start_run()
        with ThreadPoolExecutor(1) as pool:
            small = pool.submit(self._upload_small_files, columns, small_files)
            seconds, predictions, numbers, error = self._wait(PREDICTED, file_id)
            small.result()
        if error or not predictions == numbers == good:
            raise RuntimeError(f"{predictions} predictions of {numbers} rows, not of {good}: {error}")
        return Scored(file_id, judged, float(seconds))

    def slowest_small_file(self, files: int) -> float:
        """Return the seconds from the arrival of a small file to its last prediction, of the slowest one."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            count, slowest = self._row(SMALL, ())
            if count == files:
                return float(slowest)
            if time.monotonic() > deadline:
                raise RuntimeError(f"{count} of {files} small files are predicted")
            time.sleep(LOOK_EVERY_S)

    def bare_copy(self, file_id: str) -> float:
        """Return the seconds of a COPY of a file's predictions into a table with the same indexes."""
        with tempfile.TemporaryFile(dir=self._folder) as rows, self._database.cursor() as cursor:
            chosen = cursor.mogrify("SELECT * FROM predictions WHERE file_id = %s", (file_id,)).decode()
            cursor.copy_expert(f"COPY ({chosen}) TO STDOUT", rows)
            cursor.execute("CREATE TABLE copied (LIKE predictions INCLUDING ALL)")
            rows.seek(0)
            started = time.monotonic()
            cursor.copy_expert("COPY copied FROM STDIN", rows)
            seconds = time.monotonic() - started
            cursor.execute("DROP TABLE copied")
        return seconds

    @staticmethod
    def memory(function: str) -> float:
        """Return the megabytes that the template gives a function."""
        sizes = {each["FunctionName"]["Fn::Sub"].partition("-")[2]: each["MemorySize"] for each in functions().values()}
        return float(sizes[function])

    def _start_run(self) -> None:
        name = self._env["PREDICT_FUNCTION"].replace("-predict", "-scheduled-predict")
        self._lambda.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")

    def _upload_small_files(self, columns: int, files: int) -> None:
        small = self._folder / "small.csv"
        for number in range(files):
            write_raw_file(small, columns, SMALL_ROWS, first_id=100_000_000 + number * SMALL_ROWS)
            self._s3.upload_file(str(small), self._env["RAW_BUCKET"], f"{_name(columns)}/small-{number}.csv")

    def _wait(self, query: str, *parameters: object) -> Any:  # noqa: ANN401
        deadline = time.monotonic() + PATIENCE_S
        while (row := self._row(query, parameters)) is None:
            if time.monotonic() > deadline:
                raise RuntimeError("nothing came of it in an hour")
            time.sleep(LOOK_EVERY_S)
        return row

    def _row(self, query: str, parameters: Sequence[object]) -> Any:  # noqa: ANN401
        with self._database.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchone()


@contextmanager
def peaks() -> Iterator[dict[str, float]]:
    """Note the largest process of each function, in megabytes, by the function's name without the stack's."""
    found: dict[str, float] = {}
    ended = Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY_S):
            for process in Path("/proc").glob("[0-9]*"):
                _note_peak(process, found)

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield found
        finally:
            ended.set()
            looking.result()


def _note_peak(process: Path, found: dict[str, float]) -> None:
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
        if os.getpid() == int(process.name):
            return
        name = next(v.partition(b"=")[2] for v in variables if v.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")).decode()
        peak = MEMORY.search((process / "status").read_text())
    except (OSError, StopIteration):
        return  # ended meanwhile, or no function
    function = name.partition("-")[2]
    found[function] = max(found.get(function, 0.0), int(peak[1]) / 1024 if peak else 0.0)


def _name(columns: int) -> str:
    return f"columns_{columns}"


def _wide(text: str) -> tuple[int, int]:
    columns, rows = text.split("x")
    return int(columns), int(rows)


def main() -> int:
    """Measure sizes that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of the long file ({ROWS:,})")
    parser.add_argument("--columns", type=int, default=COLUMNS, help=f"of the long file ({COLUMNS})")
    parser.add_argument("--wide", metavar="COLUMNSxROWS", help="a wide file after it, such as 200x100000")
    parser.add_argument("--small-files", type=int, default=0, metavar="N", help="files that arrive beside it (0)")
    parser.add_argument("--before", type=int, nargs="*", default=[], metavar="ROWS", help="files scored before it")
    arguments = parser.parse_args()
    wide = _wide(arguments.wide) if arguments.wide else None
    sizes = (arguments.rows, arguments.columns, wide, arguments.small_files, arguments.before)
    entries = [each.entry() for each in measured(*sizes)]
    print(table(entries))
    print(json.dumps(entries), file=sys.stderr)
    return 0 if all(entry["ok"] for entry in entries) else 1


if __name__ == "__main__":
    sys.exit(main())
