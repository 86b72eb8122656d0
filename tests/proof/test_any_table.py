"""Twenty public tables become served predictions on one running stack: drafted, trained, ingested, predicted.

No definition is edited, no code is written, nothing is deployed anew.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

import stack_env
import training
from local_cloud.config import ROOT
from local_cloud.stack import local_stack
from tabserve.core.catalog import YamlCatalog
from tabserve.core.s3 import S3Store
from tabserve.registry.store import Registry
from tabserve.registry.version import ModelMetadata
from tabserve.training.cells import values
from tabserve.training.dataset import Array

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3_000)]

PEERS = ROOT / ".local/peers/tables/bin/python"
EXPORT = ROOT / "benchmarks/peers/public_tables.py"
SOON = {"ScheduleExpression": "rate(0 minutes)"}  # the emulator starts it each time it looks, every ten seconds
FEWEST = 18
SECONDS = 90
TOLERANCE = 1e-6
RANDOM_ROWS = 100_000
FILE = """SELECT file_id, status, rows_total, rows_good, error, predicted_at, prediction_error FROM ingestions
    WHERE key = %s AND (status <> 'done' OR predicted_at IS NOT NULL OR prediction_error IS NOT NULL)"""


@dataclass
class Run:
    """What became of a table."""

    name: str
    rows: int
    columns: int
    drafting: float = 0.0
    training: float = 0.0
    predicting: float = 0.0
    predicted: int = 0
    figures: str = ""
    trouble: str = ""

    @property
    def seconds(self) -> float:
        return self.drafting + self.training + self.predicting

    def __str__(self) -> str:
        parts = f"{self.drafting:5.1f} {self.training:6.1f} {self.predicting:6.1f} {self.seconds:6.1f}"
        return (
            f"{self.name:11} {self.rows:6} {self.columns:4} {parts} {self.predicted:7}  {self.trouble or self.figures}"
        )


class Stack:
    """A running stack, and the definitions that are drafted for it."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self.env, self.definitions = env, folder / "use_cases"
        self.definitions.mkdir()
        file = folder / "stack.env"
        stack_env.write(file, env)
        self._process_env = {**os.environ, "STACK_ENV_FILE": str(file), "USE_CASES_DIR": str(self.definitions)}
        self._s3 = stack_env.client(env, "s3")
        self.registry = Registry(S3Store(self._s3, env["ARTIFACTS_BUCKET"]))
        self._database: Any = psycopg2.connect(env["DATABASE_URL"])
        self._database.autocommit = True

    def run(self, script: str, *arguments: str | Path) -> None:
        """Run a script as `make` does; raise RuntimeError with what it said."""
        command = [sys.executable, str(ROOT / "scripts" / script), *map(str, arguments)]
        ended = subprocess.run(command, env=self._process_env, cwd=ROOT, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(ended.stderr.strip() or ended.stdout[-500:])

    def predict_file(self, name: str, path: Path) -> tuple[str, int, int]:
        """Hand in a raw file and wait for its predictions; return its id, its rows and its good ones."""
        key = f"{name}/{path.name}"
        self._s3.upload_file(str(path), self.env["RAW_BUCKET"], key)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if rows := self.rows(FILE, key):
                [(file_id, status, total, good, error, _, trouble)] = rows
                if status != "done" or trouble:
                    raise RuntimeError(error or trouble)
                return file_id, total, good
            time.sleep(0.2)
        raise RuntimeError(f"not predicted within {SECONDS} s")

    def rows(self, query: str, *values_: object) -> list[tuple[Any, ...]]:
        with self._database.cursor() as cursor:
            cursor.execute(query, values_)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder of tables, and what is said about each."""
    if not PEERS.exists():
        pytest.skip("the packages with public tables are not there: make proof-tables installs them")
    folder = tmp_path_factory.mktemp("tables")
    said = subprocess.run([PEERS, "-W", "ignore", EXPORT, folder], capture_output=True, text=True, check=True).stdout
    about: dict[str, Any] = json.loads(said.splitlines()[-1])
    return folder, about


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with local_stack(tmp_path_factory.mktemp("stack"), overrides=SOON) as env:
        yield Stack(env, tmp_path_factory.mktemp("definitions"))


def follow(stack: Stack, path: Path, run: Run, target: str) -> None:
    """Take a table from its file to its predictions, and look at what came of it."""
    began = time.monotonic()
    stack.run("new.py", "--data", path, "--target", target, "--name", run.name)
    drafted = time.monotonic()
    stack.run("train.py", "--use-case", run.name)
    trained = time.monotonic()
    run.drafting, run.training = drafted - began, trained - drafted
    file_id, total, good = stack.predict_file(run.name, path)
    run.predicting = time.monotonic() - trained
    [(run.predicted,)] = stack.rows("SELECT count(*) FROM predictions WHERE file_id = %s", file_id)
    metadata = stack.registry.metadata(run.name, str(stack.registry.alias(run.name, "champion")))
    run.figures = ", ".join(f"{name} {metric.value:.3f}" for name, metric in metadata.metrics.items())
    problems = [
        *_counted(run, total, good),
        *_exact(metadata),
        *_answered(stack, run),
        *_same_features(stack, run, file_id),
    ]
    run.trouble = "; ".join(problems)


def _counted(run: Run, total: int, good: int) -> Iterator[str]:
    if not (run.predicted == good and total == run.rows and total - good <= run.rows / 1_000):
        yield f"{run.predicted} predictions of {good} good rows of {total}, not of {run.rows}"


def _exact(metadata: ModelMetadata) -> Iterator[str]:
    parity = metadata.parity
    if parity.differing_classes or parity.max_difference > TOLERANCE or parity.rows < RANDOM_ROWS:
        yield f"the export is not the model: {parity}"


def _answered(stack: Stack, run: Run) -> Iterator[str]:
    """Ask the API for the definition's example, as the page would."""
    use_case = YamlCatalog(stack.definitions).get(run.name)
    answer = httpx.post(
        f"{stack.env['API_URL']}/predict",
        headers={"x-api-key": stack.env["API_KEY"]},
        json={"use_case": run.name, "records": [dict(use_case.example)]},
        timeout=30,
    )
    if answer.status_code != 200 or "prediction" not in answer.json()["predictions"][0]:
        yield f"the API answers {answer.status_code}: {answer.text}"


def _same_features(stack: Stack, run: Run, file_id: str) -> Iterator[str]:
    """Compare what was computed for predictions with what the model learned from, bit for bit."""
    use_case = YamlCatalog(stack.definitions).get(run.name)
    if not use_case.derived:
        return
    names = {each.name: each.feature for each in use_case.derived}
    stored = stack.rows("SELECT row_number, features FROM predictions WHERE file_id = %s ORDER BY row_number", file_id)
    rows = training.labelled_data(use_case)
    learned: dict[str, set[str]] = {}
    for name, feature in names.items():
        both: list[Array] = [rows.training.columns[name], rows.held_out.columns[name]]
        learned[name] = {json.dumps(each) for column in both for each in values(feature, column)}
    for name in names:
        computed = {json.dumps(features[name]) for _, features in stored}
        if not computed >= learned[name]:
            yield f"{name} is not computed alike"


def test_twenty_public_tables_are_served_without_an_edit(
    stack: Stack, tables: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, about = tables
    done: list[Run] = []
    with capsys.disabled():
        print(f"\n{'':11} {'rows':>6} cols  new  train predict  all s  stored  figures on held-out rows")
    for name, each in about.items():
        run = Run(name, each["rows"], each["columns"])
        try:
            follow(stack, folder / each["file"], run, each["target"])
        except RuntimeError as error:
            run.trouble = str(error)
        done.append(run)
        with capsys.disabled():
            print(run, flush=True)
    served = [run for run in done if not run.trouble and run.seconds <= SECONDS]
    with capsys.disabled():
        print(f"{len(served)} of {len(done)} tables, the slowest in {max(run.seconds for run in served):.0f} s")
    assert len(done) == 20
    assert len(served) >= FEWEST, "\n".join(map(str, done))
