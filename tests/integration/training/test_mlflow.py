"""Versions and attempts in a real MLflow server; one that is away, sick or not installed spoils nothing."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud.config import ROOT
from tabserve.core.folder import FolderStore
from tabserve.registry.store import Registry
from tabserve.registry.version import METADATA, ModelMetadata
from tabserve.training.mlflow_runs import BEFORE_IMPORT, NOT_INSTALLED, MlflowRuns
from tests import synthetic
from tests.definitions import FOLDER, PENGUINS
from tests.servers import Answer, receiver

SECONDS = 150.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow server out of its package, with a database and a folder of its own."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--artifacts-destination", str(folder / "files")]
    command = [sys.executable, "-m", "mlflow", "server", *places, "--port", str(port), "--workers", "1"]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=20)


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < ends, log.read_text()
            time.sleep(0.2)


def train(folder: Path, mlflow: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Search among two candidates of made-up rows, into a registry in the folder."""
    definitions = folder / "use_cases"
    definitions.mkdir()
    estimators = "{estimator: [logistic_regression, random_forest], search: {iterations: 2, folds: 2}}"
    text = (FOLDER / "penguins.yaml").read_text()
    kept = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("training"))
    (definitions / "penguins.yaml").write_text(f"{kept}\ntraining: {estimators}\n")
    data = synthetic.write(synthetic.dataset(PENGUINS, 200), folder / "rows.csv")
    command = [sys.executable, "scripts/train.py", "--use-case", "penguins", "--data", str(data)]
    told = {"USE_CASES_DIR": str(definitions), "MLFLOW_TRACKING_URI": mlflow, "COLUMNS": "300", **environment}
    return subprocess.run(
        [*command, "--registry", str(folder / "registry")],
        cwd=ROOT,
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )


def ask(server: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server}/api/2.0/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_a_version_and_its_attempts_are_recorded_with_their_files(server: str, tmp_path: Path) -> None:
    done = train(tmp_path, server)
    assert done.returncode == 0, done.stderr
    assert "did not take its record" not in done.stdout

    registry = Registry(FolderStore(tmp_path / "registry"))
    (version,) = registry.versions("penguins")
    metadata = registry.metadata("penguins", version)
    experiment = ask(server, "mlflow/experiments/get-by-name?experiment_name=penguins")["experiment"]["experiment_id"]
    runs = {
        run["info"]["run_name"]: run
        for run in ask(server, "mlflow/runs/search", {"experiment_ids": [experiment]})["runs"]
    }
    own = runs.pop(version)
    assert own["info"]["status"] == "FINISHED"
    parameters = {each["key"]: each["value"] for each in own["data"]["params"]}
    assert parameters["estimator"] == metadata.estimator
    assert parameters["seed"] == "42"
    measures = {each["key"]: each["value"] for each in own["data"]["metrics"]}
    assert measures["accuracy"] == pytest.approx(metadata.metrics["accuracy"].value)
    assert measures["roc_auc_low"] == pytest.approx(metadata.metrics["roc_auc"].low)
    assert {each["key"]: each["value"] for each in own["data"]["tags"]}["data_sha256"] == metadata.data_sha256

    run_id = own["info"]["run_id"]
    listed = ask(server, f"mlflow/artifacts/list?run_id={run_id}")["files"]
    assert {each["path"] for each in listed} == metadata.files.keys()
    assert "MLmodel" not in {each["path"] for each in listed}
    with urllib.request.urlopen(f"{server}/get-artifact?path=card.html&run_uuid={run_id}", timeout=20) as card:
        assert card.read() == registry.file("penguins", version, "card.html")

    assert sorted(runs) == ["1 logistic_regression", "2 random_forest", "3 logistic_regression", "4 random_forest"]
    lines = [json.loads(line) for line in registry.file("penguins", version, "runs.jsonl").splitlines()]
    for line in lines:
        run = runs[f"{line['number']} {line['choice']['estimator']}"]
        tags = {each["key"]: each["value"] for each in run["data"]["tags"]}
        assert tags["mlflow.parentRunId"] == run_id
        worth = {each["key"]: each["value"] for each in run["data"]["metrics"]}
        assert worth["roc_auc"] == pytest.approx(line["means"]["roc_auc"])
        assert worth["roc_auc_of_fold"] == pytest.approx(line["scores"][-1])


@pytest.mark.timeout(120)
def test_a_server_that_is_away_is_one_sentence_and_the_version_is_registered(tmp_path: Path) -> None:
    done = train(tmp_path, "http://somebody:secret@127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert "warning: The version is registered, but MLflow at http://127.0.0.1:9 did not take its record" in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    registered(tmp_path)


@pytest.mark.proof
@pytest.mark.timeout(120)
def test_a_server_that_answers_otherwise_is_one_sentence(tmp_path: Path) -> None:
    with receiver(lambda: Answer(200, b"<html>not MLflow</html>")) as sick:
        done = train(tmp_path, sick.url)
    assert done.returncode == 0, done.stderr
    assert "did not take its record" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    registered(tmp_path)


def test_without_mlflow_installed_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    for name, value in BEFORE_IMPORT.items():
        monkeypatch.setenv(name, value)
    metadata = ModelMetadata.model_construct()
    assert MlflowRuns("http://127.0.0.1:9").record(PENGUINS, metadata, (), {}) == NOT_INSTALLED


def registered(folder: Path) -> None:
    """The registry has the version with its attempts."""
    registry = Registry(FolderStore(folder / "registry"))
    (version,) = registry.versions("penguins")
    assert len(registry.file("penguins", version, "runs.jsonl").splitlines()) == 4
    assert METADATA not in registry.metadata("penguins", version).files
