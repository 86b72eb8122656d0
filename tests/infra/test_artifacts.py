import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import migrate
from local_cloud.config import ROOT
from tests.infra import template

pytestmark = pytest.mark.timeout(300)

MEGABYTE = 1_000_000
LIMIT, PREDICT_LIMIT = 240 * MEGABYTE, 200 * MEGABYTE
FUNCTIONS = template.resources("AWS::Serverless::Function")
LAMBDA_GIVES = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
TRAINING_ONLY = ("sklearn", "scipy", "pandas", "joblib", "skl2onnx")

# What the Lambda runtime does: code and layers on the path, one event, one JSON answer. No site-packages, no PYTHON*.
RUNTIME = """
import importlib, json, sys, types
paths, handler, event = json.loads(sys.stdin.read())
sys.path[:0] = paths
module, _, name = handler.rpartition(".")
context = types.SimpleNamespace(
    function_name="test", function_version="$LATEST", memory_limit_in_mb=512, aws_request_id="request-1",
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:test", log_group_name="", log_stream_name="",
    get_remaining_time_in_millis=lambda: 30_000,
)
answer = getattr(importlib.import_module(module), name)(event, context)
print("\\nANSWER " + json.dumps(answer))
"""

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


def folders(artifacts: Path, function: str) -> list[Path]:
    layers = [artifacts / layer["Ref"] / "python" for layer in FUNCTIONS[function]["Layers"]]
    return [artifacts / function, *layers]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def invoke(artifacts: Path, function: str, event: object, env: dict[str, str]) -> Any:
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUNTIME],
        input=json.dumps([[str(path) for path in folders(artifacts, function)], FUNCTIONS[function]["Handler"], event]),
        cwd="/",
        env={"PATH": os.defpath, **declared(function, env)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.rpartition("ANSWER ")[2])


def declared(function: str, env: dict[str, str]) -> dict[str, str]:
    """Only what the template gives this function, and what Lambda gives every function."""
    blocks = (template.load()["Globals"]["Function"], FUNCTIONS[function])
    names = {name for block in blocks for name in block["Environment"]["Variables"]}
    return {name: value for name, value in env.items() if name in names or name in LAMBDA_GIVES}


def sample(name: str) -> Any:
    return json.loads((ROOT / "tests/events" / name).read_text())


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a function for which AWS is out of reach: a migrated database and nothing else."""
    url = f"sqlite:///{tmp_path}/tabserve.db"
    migrate.migrate(url)
    names = ("RAW_BUCKET", "GOOD_BUCKET", "BAD_BUCKET", "ARTIFACTS_BUCKET", "MARKERS_TABLE", "FEATURES_TABLE")
    return {
        **{name: name.lower() for name in names},
        "DATABASE_URL": url,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "ALERT_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:alerts",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PREDICT_FUNCTION": "predict",
        "API_KEY": "a-key-of-more-than-twenty-characters",
        "RESULTS_QUEUE_URL": "http://127.0.0.1:9/results",
        "INGEST_QUEUE_URL": "http://127.0.0.1:9/ingest",
        "FEATURES_QUEUE_URL": "http://127.0.0.1:9/features",
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_with_its_layers_fits(artifacts: Path, function: str) -> None:
    limit = PREDICT_LIMIT if function == "PredictFunction" else LIMIT
    sizes = {path: size(path) for path in folders(artifacts, function)}
    assert sum(sizes.values()) <= limit, sizes


def test_predict_carries_nothing_of_training(artifacts: Path) -> None:
    carried = {path.name for folder in folders(artifacts, "PredictFunction") for path in folder.iterdir()}
    assert carried.isdisjoint(TRAINING_ONLY)


def test_the_shortened_descriptions_of_aws_services_still_make_requests(artifacts: Path) -> None:
    calls = {
        "dynamodb": ("get_item", {"TableName": "t", "Key": {"pk": {"S": "k"}}}),
        "lambda": ("invoke", {"FunctionName": "f", "Payload": "{}"}),
        "s3": ("put_object", {"Bucket": "b", "Key": "k", "Body": "x", "IfNoneMatch": "*"}),
        "secretsmanager": ("get_secret_value", {"SecretId": "s"}),
        "sns": ("publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "m"}),
        "sqs": ("send_message", {"QueueUrl": "http://127.0.0.1:1/q", "MessageBody": "m"}),
        "sts": ("get_caller_identity", {}),
    }
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", REQUESTS],
        input=json.dumps([[str(path) for path in folders(artifacts, "PredictFunction")], calls]),
        env={"PATH": os.defpath, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.stdout.split() == ["EndpointConnectionError"] * len(calls), finished.stdout + finished.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_has_byte_code_that_no_file_time_can_spoil(artifacts: Path, function: str) -> None:
    tag = sys.implementation.cache_tag
    for folder in folders(artifacts, function):
        for module in folder.rglob("*.py"):
            compiled = module.parent / "__pycache__" / f"{module.stem}.{tag}.pyc"
            assert compiled.is_file(), module
            assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00", module  # hash-based, unchecked


@pytest.mark.parametrize("function", COMPUTED)
def test_the_shared_libraries_of_a_layer_load_and_compute(artifacts: Path, function: str) -> None:
    code = "import json, sys; sys.path[:0] = json.load(sys.stdin)\n" + COMPUTED[function]
    paths = json.dumps([str(path) for path in folders(artifacts, function)])
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], input=paths, capture_output=True, text=True, timeout=60
    )
    assert finished.returncode == 0, finished.stderr


def test_the_library_that_is_cut_is_the_same_for_every_python(artifacts: Path) -> None:
    names = {path.name for path in (artifacts / "IngestLayer/python").glob("_polars_runtime*/*.so")}
    assert names == {"_polars_runtime.abi3.so"}  # of another name, 3.13 could get bytes that no test has loaded


def test_ingest_answers_from_its_artifacts_alone(artifacts: Path, environment: dict[str, str]) -> None:
    assert invoke(artifacts, "IngestFunction", sample("ingest_test_event.json"), environment) == {
        "batchItemFailures": []
    }


def test_features_answers_from_its_artifacts_alone_and_asks_for_what_it_could_not_store(
    artifacts: Path, environment: dict[str, str]
) -> None:
    nothing = invoke(artifacts, "FeaturesFunction", sample("ingest_test_event.json"), environment)
    assert nothing == {"batchItemFailures": []}
    away = invoke(artifacts, "FeaturesFunction", sample("features.json"), environment)
    assert away == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_features_carries_no_data_frames_and_nothing_of_the_models(artifacts: Path) -> None:
    carried = {path.name for folder in folders(artifacts, "FeaturesFunction") for path in folder.iterdir()}
    assert carried.isdisjoint({*TRAINING_ONLY, "numpy", "polars", "pandera", "onnxruntime"})


def test_scheduled_predict_answers_from_its_artifacts_alone(artifacts: Path, environment: dict[str, str]) -> None:
    reply = invoke(artifacts, "ScheduledPredictFunction", sample("scheduled_predict.json"), environment)
    assert reply["status"] == "skipped"


def test_monitor_answers_from_its_artifacts_alone(artifacts: Path, environment: dict[str, str]) -> None:
    answer = invoke(artifacts, "MonitorFunction", {}, environment)
    assert answer == {"windows": 0, "predictions": 0, "alerts": 0}


def test_alerts_answers_from_its_artifacts_alone(artifacts: Path, environment: dict[str, str]) -> None:
    assert invoke(artifacts, "AlertsFunction", {}, environment) == {"sent": 0, "failed": 0}


def test_sweep_starts_from_its_artifacts_alone_and_says_that_the_bucket_is_away(
    artifacts: Path, environment: dict[str, str]
) -> None:
    with pytest.raises(AssertionError, match="StorageUnavailableError"):
        invoke(artifacts, "SweepFunction", {}, environment)
