"""The feature store of the deployed stack: filled by raw files, read by the API and training."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_cloud.config import ROOT
from stack_env import client
from tabserve.core.folder import FolderStore
from tabserve.registry.store import Registry
from tests.e2e.test_main_job import call, eventually
from tests.factories import good_object

pytestmark = pytest.mark.timeout(200)
HEADER = "PassengerId,Pclass,Name,Sex,Age,Fare,Embarked"
DATA = [ROOT / "datasets/titanic/train.csv", ROOT / "datasets/titanic/holdout.csv"]


def drop(stack: dict[str, str], name: str, *rows: str) -> None:
    body = "".join(f"{row}\n" for row in (HEADER, *rows)).encode()
    client(stack, "s3").put_object(Bucket=stack["RAW_BUCKET"], Key=f"titanic/{name}", Body=body)


def age(stack: dict[str, str], entity_id: str) -> Any:
    found = known(stack, entity_id)
    return found[0]["features"]["Age"] if found else None


def known(stack: dict[str, str], entity_id: str) -> list[Any]:
    status, answer = call(stack, f"/features/titanic/{entity_id}")
    return [answer] if status == 200 else []


def aged(stack: dict[str, str], entity_id: str, wanted: float) -> bool:
    return bool(eventually(lambda: [1] if age(stack, entity_id) == wanted else [], 60))


def test_a_raw_file_fills_the_feature_store_and_the_newest_wins(stack: dict[str, str]) -> None:
    first, second, third = (str(time.time_ns() // 1_000_000 % 10**9 * 10 + number) for number in range(3))
    drop(stack, f"stored-{first}.csv", f'{first},1,"Doe, ""J""",female,38,71.28,C', f"{second},3,Roe,male,22,7.25,S")
    assert aged(stack, first, 38)
    status, answer = call(stack, "/predict", {"use_case": "titanic", "records": [{"entity_id": first}]})
    assert status == 200, answer
    assert answer["predictions"][0]["label"] == "survived"
    assert call(stack, f"/features/titanic/{third}")[0] == 404

    time.sleep(1.1)  # S3 tells the time of an object to the second
    drop(stack, f"stored-{second}.csv", f"{first},1,Doe,female,39,71.28,C")
    assert aged(stack, first, 39)

    # An older file that comes late; its other row tells when it has been dealt with.
    old = {"raw-written-at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    rows = [f"{first},1,Doe,female,37,71.28,C", f"{third},1,Poe,male,50,71.28,C"]
    late = good_object(HEADER, dict(enumerate(rows, start=1)))
    client(stack, "s3").put_object(Bucket=stack["GOOD_BUCKET"], Key=f"titanic/0ff/{third}.csv", Body=late, Metadata=old)
    assert aged(stack, third, 50)
    assert age(stack, first) == 39


def run(script: str, stack: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), "--use-case", "titanic", *map(str, arguments)]
    return subprocess.run(command, env={"PATH": os.defpath, **stack}, capture_output=True, text=True)


def test_a_model_is_trained_on_what_the_store_knows(stack: dict[str, str], tmp_path: Path) -> None:
    for path in DATA:
        client(stack, "s3").upload_file(str(path), stack["RAW_BUCKET"], f"titanic/{path.name}")

    said = []

    def trained() -> list[Path]:
        registry = tmp_path / f"registry-{time.time_ns()}"
        done = run("train.py", stack, "--from", "feature-store", "--registry", registry)
        said.append(done.stdout + done.stderr)
        known = all(f"the feature store knows {rows} of {rows} ids" in done.stdout for rows in (891, 418))
        return [registry] if known and done.returncode == 0 else []

    trained_into = eventually(trained, 120)
    assert trained_into, said[-1]
    (folder,) = trained_into
    registry = Registry(FolderStore(folder))
    (version,) = registry.versions("titanic")
    assert registry.metadata("titanic", version).features_from == "feature-store"

    (tmp_path / "others.csv").write_text("PassengerId,Survived\n1,0\n2,1\n70001,1\n70002,0\n70003,0\n")
    few = run("train.py", stack, "--from", "feature-store", "--data", tmp_path / "others.csv")
    assert few.returncode == 2
    assert "The feature store knows 2 of the 5 ids of others.csv" in few.stderr
