"""What `make sam-local` writes is enough for every function: each starts with it alone and answers its events.

The functions run as processes, for `sam local` runs them in containers, and their addresses are those of this machine.
"""

import json
from pathlib import Path
from typing import Any

import pytest

import sam_local
import stack_env
from tests.infra import template
from tests.infra.test_artifacts import invoke, sample

pytestmark = pytest.mark.timeout(300)

RAW_FILE = "PassengerId,Pclass,Name,Sex,Age,Fare,Embarked\n80010,1,Doe,female,38,71.28,C\n"
ALL_DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture(scope="module")
def told(stack: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The file, written from the running stack."""
    folder: Path = tmp_path_factory.mktemp("sam-local")
    stack_env.write(folder / "stack.env", stack)
    assert sam_local.main(["--env", str(folder / "stack.env"), "--host", "localhost"]) == 0
    written: dict[str, dict[str, str]] = json.loads((folder / "sam-local.json").read_text())
    return written


def test_the_file_names_the_functions_and_variables_of_the_template(told: dict[str, dict[str, str]]) -> None:
    functions = template.resources("AWS::Serverless::Function")
    assert {name: set(variables) for name, variables in told.items()} == {
        name: template.variables(name) for name in functions
    }
    addresses = {value for variables in told.values() for name, value in variables.items() if name != "UI_URL"}
    assert not [value for value in addresses if "127.0.0.1" in value]


def test_every_function_answers_its_events_with_that_environment_alone(
    stack: dict[str, str], told: dict[str, dict[str, str]]
) -> None:
    raw = stack_env.client(stack, "s3")
    raw.put_object(Bucket=stack["RAW_BUCKET"], Key="titanic/first 100%.csv", Body=RAW_FILE.encode())

    def answers(function: str) -> list[Any]:
        events = [sample(event) for event in sam_local.EVENTS[function]]
        for event in events:
            if "headers" in event:
                event["headers"]["x-api-key"] = stack["API_KEY"]
        return [invoke(function, event, told[function]) for event in events]

    gateway, queue = answers("PredictFunction")
    assert gateway["statusCode"] == 200, gateway
    assert json.loads(gateway["body"])["predictions"][0]["label"] == "survived"
    assert queue == ALL_DONE
    assert answers("IngestFunction") == [ALL_DONE]
    assert answers("FeaturesFunction") == [ALL_DONE]
    (run,) = answers("ScheduledPredictFunction")
    assert run["status"] in {"completed", "skipped"}
    (watched,) = answers("MonitorFunction")
    assert watched.keys() == {"windows", "predictions", "alerts"}
    (swept,) = answers("SweepFunction")
    assert swept.keys() == {"queued", "lost"}
    (sent,) = answers("AlertsFunction")
    assert sent["failed"] == 0
