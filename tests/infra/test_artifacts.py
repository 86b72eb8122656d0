import json
import os
import subprocess
import sys
from typing import Any

import pytest

from benchmarks import built, lambda_process
from local_cloud.config import ROOT
from tests.infra import template

pytestmark = pytest.mark.timeout(300)

FUNCTIONS = built.functions()
LAMBDA_GIVES = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
TRAINING_ONLY = ("sklearn", "scipy", "pandas", "joblib", "skl2onnx")
OF_OTHERS = ("numpy", "polars", "pandera", "onnxruntime")

# One request to a port where nobody listens: it is built, signed and fails to connect.
REQUESTS = """
import json, sys
paths, calls = json.loads(sys.stdin.read())
sys.path[:0] = paths
import botocore.session
from botocore.config import Config
once = Config(retries={"total_max_attempts": 1})
for service, (operation, parameters) in calls.items():
    client = botocore.session.get_session().create_client(
        service, region_name="us-east-1", endpoint_url="http://127.0.0.1:1", config=once
    )
    try:
        getattr(client, operation)(**parameters)
    except Exception as error:
        print(type(error).__name__)
"""

# What the shared libraries of a function are for, computed once.
COMPUTED = {
    "IngestFunction": """
import pandera.polars, polars
frame = polars.read_csv(b"kind,count\\na,1\\nb,2\\na,4\\n")
answer = frame.group_by("kind").agg(polars.col("count").sum()).sort("kind")["count"].to_list()
assert answer == [5, 2], answer
assert polars.Series(["1", "x"]).cast(polars.Float64, strict=False).to_list() == [1.0, None]
""",
    "MonitorFunction": """
import scipy.special, scipy.stats
assert abs(scipy.special.chdtrc(1, 3.841458820694124) - 0.05) < 1e-9
assert abs(scipy.stats.false_discovery_control([0.01, 0.04])[0] - 0.02) < 1e-9
""",
    "PredictFunction": """
import numpy, onnxruntime
assert "CPUExecutionProvider" in onnxruntime.get_available_providers()
assert numpy.linalg.solve([[2.0]], [4.0]).tolist() == [2.0]
""",
}


def isolated(
    function: str, *program: str, given: tuple[object, ...] = (), **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a program that is told the paths of a function and what else is given; nothing else is installed."""
    return subprocess.run(
        [sys.executable, "-I", "-S", *program],
        input=json.dumps([list(map(str, built.function_folders(function))), *given]) + "\n",
        cwd="/",
        env={"PATH": os.defpath, **LAMBDA_GIVES, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def invoke(function: str, event: object, env: dict[str, str]) -> Any:
    """Return a function's answer; it is told no more than the template tells it."""
    declared = {name: env[name] for name in template.variables(function) if name in env}
    finished = isolated(function, lambda_process.__file__, given=(FUNCTIONS[function]["Handler"], event), **declared)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.rpartition(lambda_process.MARK)[2])


def carried(function: str) -> set[str]:
    return {path.name for folder in built.function_folders(function) for path in folder.iterdir()}


def sample(name: str) -> Any:
    return json.loads((ROOT / "tests/events" / name).read_text())


@pytest.fixture
def environment(sqlite_url: str) -> dict[str, str]:
    """Settings of a function for which AWS is out of reach: a migrated database and nothing else."""
    names = ("RAW_BUCKET", "GOOD_BUCKET", "BAD_BUCKET", "ARTIFACTS_BUCKET", "MARKERS_TABLE", "FEATURES_TABLE")
    return {
        **{name: name.lower() for name in names},
        "DATABASE_URL": sqlite_url,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "ALERT_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:alerts",
        "PREDICT_FUNCTION": "predict",
        "API_KEY": "a-key-of-more-than-twenty-characters",
        "RESULTS_QUEUE_URL": "http://127.0.0.1:9/results",
        "INGEST_QUEUE_URL": "http://127.0.0.1:9/ingest",
        "FEATURES_QUEUE_URL": "http://127.0.0.1:9/features",
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_with_its_layers_fits(function: str) -> None:
    measured = built.size(function)
    assert measured.ok, measured


@pytest.mark.parametrize(
    ("function", "foreign"), [("PredictFunction", TRAINING_ONLY), ("FeaturesFunction", (*TRAINING_ONLY, *OF_OTHERS))]
)
def test_a_function_carries_nothing_of_others(function: str, foreign: tuple[str, ...]) -> None:
    assert carried(function).isdisjoint(foreign)


def test_the_shortened_descriptions_of_aws_services_still_make_requests() -> None:
    calls = {
        "dynamodb": ("get_item", {"TableName": "t", "Key": {"pk": {"S": "k"}}}),
        "lambda": ("invoke", {"FunctionName": "f", "Payload": "{}"}),
        "s3": ("put_object", {"Bucket": "b", "Key": "k", "Body": "x", "IfNoneMatch": "*"}),
        "secretsmanager": ("get_secret_value", {"SecretId": "s"}),
        "sns": ("publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "m"}),
        "sqs": ("send_message", {"QueueUrl": "http://127.0.0.1:1/q", "MessageBody": "m"}),
        "sts": ("get_caller_identity", {}),
    }
    finished = isolated("PredictFunction", "-c", REQUESTS, given=(calls,))
    assert finished.stdout.split() == ["EndpointConnectionError"] * len(calls), finished.stdout + finished.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_has_byte_code_that_no_file_time_can_spoil(function: str) -> None:
    tag = sys.implementation.cache_tag
    for folder in built.function_folders(function):
        for module in folder.rglob("*.py"):
            compiled = module.parent / "__pycache__" / f"{module.stem}.{tag}.pyc"
            assert compiled.is_file(), module
            assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00", module  # hash-based, unchecked


@pytest.mark.parametrize("function", COMPUTED)
def test_the_shared_libraries_of_a_layer_load_and_compute(function: str) -> None:
    code = "import json, sys; [sys.path[:0]] = json.load(sys.stdin)\n" + COMPUTED[function]
    finished = isolated(function, "-c", code)
    assert finished.returncode == 0, finished.stderr


def test_the_library_that_is_cut_is_the_same_for_every_python() -> None:
    names = {path.name for path in (built.artifacts() / "IngestLayer/python").glob("_polars_runtime*/*.so")}
    assert names == {"_polars_runtime.abi3.so"}  # of another name, 3.13 could get bytes that no test has loaded


@pytest.mark.parametrize(
    ("function", "event", "answer"),
    [
        ("IngestFunction", sample("ingest_test_event.json"), {"batchItemFailures": []}),
        ("FeaturesFunction", sample("ingest_test_event.json"), {"batchItemFailures": []}),
        ("FeaturesFunction", sample("features.json"), {"batchItemFailures": [{"itemIdentifier": "1"}]}),
        ("MonitorFunction", sample("schedule.json"), {"windows": 0, "predictions": 0, "alerts": 0}),
        ("AlertsFunction", sample("schedule.json"), {"sent": 0, "failed": 0}),
    ],
)
def test_a_function_answers_from_its_artifacts_alone(
    environment: dict[str, str], function: str, event: object, answer: object
) -> None:
    assert invoke(function, event, environment) == answer


def test_scheduled_predict_answers_from_its_artifacts_alone(environment: dict[str, str]) -> None:
    reply = invoke("ScheduledPredictFunction", sample("schedule.json"), environment)
    assert reply["status"] == "skipped"


def test_sweep_starts_from_its_artifacts_alone_and_says_that_the_bucket_is_away(environment: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="StorageUnavailableError"):
        invoke("SweepFunction", sample("schedule.json"), environment)
