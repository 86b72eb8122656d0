"""Predictions asked for through the queue, with the example client."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import stack_env
from local_cloud.config import ROOT
from tests.e2e.test_main_job import call

pytestmark = pytest.mark.timeout(200)

RECORD = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}


def test_a_message_is_answered_on_the_results_queue_and_stored(stack: dict[str, str], tmp_path: Path) -> None:
    env_file = tmp_path / "stack.env"
    stack_env.write(env_file, stack)
    bodies = [{"records": [RECORD, RECORD | {"Age": -1}]}, RECORD, {"use_case": "tulips", "records": [RECORD]}]
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/enqueue.py", "--stack-env", env_file, "--timeout", "90"],
        input="\n".join(map(json.dumps, bodies)),
        capture_output=True,
        text=True,
        check=True,
    )
    results = sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda result: result["status"])
    assert [result["status"] for result in results] == [200, 200, 404]
    entries = [entry for result in results[:2] for entry in result["body"]["predictions"]]
    answered = {entry["prediction_id"] for entry in entries if "prediction_id" in entry}
    stored = call(stack, "/past-predictions?source=queue")[1]["predictions"]
    assert len(answered) == 2
    assert answered <= {prediction["prediction_id"] for prediction in stored}
