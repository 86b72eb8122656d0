"""Build and deploy the stack with the same commands that deploy it to AWS."""

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3

from local_cloud.config import REGION, ROOT, LocalCloudError, Place
from local_cloud.emulator import CREDENTIALS

BUILT = ROOT / ".local" / "build"
STACK = "tabserve"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# The emulator enforces usage plans; the limits for AWS would throttle tests and benchmarks.
THROTTLE = {"ThrottleRate": "10000", "ThrottleBurst": "5000"}


def build(log: Path) -> Path:
    """Build functions and layers for this machine's Python; return the folder with the artifacts."""
    with _build_lock():
        _sam(
            "build",
            ["--build-dir", BUILT / "artifacts", "--cache-dir", BUILT / "cache"],
            {"PythonRuntime": f"python{PYTHON}"},
            {"LAYER_PYTHON": PYTHON, "LAYER_PLATFORM": "", "PYTHON": sys.executable},
            log,
        )
    return BUILT / "artifacts"


def deploy(place: Place, log: Path, overrides: Mapping[str, str] | None = None) -> None:
    """Deploy the built stack to the emulator."""
    parameters = {
        "PythonRuntime": f"python{PYTHON}",
        "EmulatorEndpoint": place.aws_endpoint,
        "DatabaseUrl": place.database_url,
        "ApiKeyValue": place.secrets.api_key,
        **THROTTLE,
        **(overrides or {}),
    }
    with _build_lock():
        _sam(
            "deploy",
            ["--template-file", BUILT / "artifacts" / "template.yaml"],
            parameters,
            aws_environment(place),
            log,
        )


def aws_environment(place: Place) -> dict[str, str]:
    """Return the variables that point the AWS tools at the emulator, whatever the user's own configuration says."""
    return {
        "AWS_ENDPOINT_URL": place.aws_endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        **CREDENTIALS,
    }


def outputs(place: Place) -> dict[str, str]:
    """Return the outputs of the deployed stack."""
    formation = boto3.client(
        "cloudformation",
        endpoint_url=place.aws_endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    (stack,) = formation.describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def stack_environment(place: Place) -> dict[str, str]:
    """Return what `stack.env` tells every other tool."""
    stack = outputs(place)
    return {
        "API_URL": stack["ApiUrl"],
        "API_KEY": place.secrets.api_key,
        "PREDICT_URL": f"{stack['ApiUrl']}/predict",
        "DATABASE_URL": place.database_url,
        "READER_DATABASE_URL": place.reader_database_url,
        **aws_environment(place),
        "RAW_BUCKET": stack["RawBucket"],
        "GOOD_BUCKET": stack["GoodBucket"],
        "BAD_BUCKET": stack["BadBucket"],
        "ARTIFACTS_BUCKET": stack["ArtifactsBucket"],
        "MARKERS_TABLE": stack["MarkersTable"],
        "FEATURES_TABLE": stack["FeaturesTable"],
        "INGEST_QUEUE_URL": stack["IngestQueueUrl"],
        "PREDICT_QUEUE_URL": stack["PredictQueueUrl"],
        "RESULTS_QUEUE_URL": stack["ResultsQueueUrl"],
        "ALERT_TOPIC_ARN": stack["AlertTopicArn"],
        "SCHEDULED_PREDICT_FUNCTION": stack["ScheduledPredictFunction"],
        "UI_URL": f"http://127.0.0.1:{place.ports.ui}",
    }


def _sam(
    command: str, options: list[str | Path], parameters: Mapping[str, str], env: Mapping[str, str], log: Path
) -> None:
    binaries = Path(sys.executable).parent
    line = [binaries / "sam", command, "--config-file", ROOT / "samconfig.toml", "--config-env", "local", *options]
    line += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        finished = subprocess.run(
            line,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_tool_environment(env),
            check=False,
        )
    if finished.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise LocalCloudError(f"sam {command} failed; the end of {log}:\n{tail}")


def _tool_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment without its AWS account, with this environment's tools first."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **env,
    }


@contextlib.contextmanager
def _build_lock() -> Iterator[None]:
    """Let one command at a time use the artifacts: `make demo` builds beside a running `make up`."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
