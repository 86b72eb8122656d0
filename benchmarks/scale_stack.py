"""A running stack with use cases of any width, to which benchmarks hand large files."""

import os
import re
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

import stack_env
import training
from benchmarks.built import functions
from benchmarks.scale_data import definition, write_raw_file, write_training_data
from tabserve.core.catalog import YamlCatalog
from tabserve.core.s3 import S3Store
from tabserve.registry.store import Registry

SMALL_ROWS: Final = 100
LOOK_EVERY_S: Final = 0.5
PATIENCE_S: Final = 3_600.0
MEMORY: Final = re.compile(r"VmHWM:\s+(\d+) kB")

FILE = "SELECT file_id, rows_good, rows_bad FROM ingestions WHERE key = %s AND report_key <> ''"
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


class Bench:
    """A running stack with use cases of its own."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env = env
        self._folder = folder
        self._definitions = folder / "use_cases"
        self._raw = folder / "raw.csv"
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
            (self._definitions / f"{use_case_name(width)}.yaml").write_text(
                definition(use_case_name(width), width, data)
            )
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
        file_id, good, judged = self._ingest(columns, rows)
        self._start_run()
        with ThreadPoolExecutor(1) as pool:
            small = pool.submit(self._upload_small_files, columns, small_files)
            seconds, predictions, numbers, error = self._wait(PREDICTED, file_id)
            small.result()
        if error or not predictions == numbers == good:
            raise RuntimeError(f"{predictions} predictions of {numbers} rows, not of {good}: {error}")
        return Scored(file_id, judged, float(seconds))

    def judge(self, columns: int, rows: int) -> tuple[float, float]:
        """Upload a file and wait for its verdict; return its MiB and the seconds that took."""
        _, _, seconds = self._ingest(columns, rows)
        return self._raw.stat().st_size / 2**20, seconds

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

    def _ingest(self, columns: int, rows: int) -> tuple[str, int, float]:
        """Return a file's id, how many of its rows are good, and the seconds from its upload to its verdict."""
        key = f"{use_case_name(columns)}/{token_hex(4)}-{rows}.csv"
        good = write_raw_file(self._raw, columns, rows)
        started = time.monotonic()
        self._s3.upload_file(str(self._raw), self._env["RAW_BUCKET"], key)
        file_id, rows_good, rows_bad = self._wait(FILE, key)
        if (rows_good, rows_bad) != (good, rows - good):
            raise RuntimeError(f"{rows_good} rows are good and {rows_bad} bad, not {good} and {rows - good}")
        return file_id, good, time.monotonic() - started

    def _start_run(self) -> None:
        name = self._env["PREDICT_FUNCTION"].replace("-predict", "-scheduled-predict")
        self._lambda.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")

    def _upload_small_files(self, columns: int, files: int) -> None:
        small = self._folder / "small.csv"
        for number in range(files):
            write_raw_file(small, columns, SMALL_ROWS, first_id=100_000_000 + number * SMALL_ROWS)
            self._s3.upload_file(str(small), self._env["RAW_BUCKET"], f"{use_case_name(columns)}/small-{number}.csv")

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


def use_case_name(columns: int) -> str:
    """Return the name of the use case with so many columns."""
    return f"columns_{columns}"
