"""Build and deploy the stack with the same commands that deploy it to AWS."""

import contextlib
import fcntl
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from platform import machine, system

import database_roles
import migrate
import stack_env
from local_cloud import packages, processes
from local_cloud.clouds import Cloud
from local_cloud.config import ROOT, LocalCloudError, Place

BUILT = ROOT / ".local" / "build"
ARTIFACTS, PACKED, BUILT_FROM, LOCK = (BUILT / name for name in ("artifacts", "packed", "built-from", "lock"))
SOURCES = ("infra", "functions", "layers", "use_cases")
WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")  # where another word begins in the name of an output
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# The emulator enforces usage plans; the limits for AWS would throttle tests and benchmarks.
THROTTLE = {"ThrottleRate": "10000", "ThrottleBurst": "5000"}


def build(place: Place) -> Path:
    """Build functions and layers for this machine's Python, unless they are; return the folder with the artifacts."""
    platform = _layer_platform(place)
    if not _is_built(platform):
        with _locked() as lock:
            if not _is_built(platform):
                _build(place, platform, lock)
    return ARTIFACTS


def deploy(place: Place, cloud: Cloud, overrides: Mapping[str, str] | None = None) -> None:
    """Deploy the built stack to a cloud."""
    parameters = {
        "PythonRuntime": f"python{PYTHON}",
        "EmulatorEndpoint": cloud.functions_aws,
        "DatabaseUrl": cloud.functions_url(database_roles.LOGIN, place.secrets.app_password),
        "ApiKeyValue": place.secrets.api_key,
        "UiUrl": place.ui_url,
        **THROTTLE,
        **cloud.parameters,
        **(overrides or {}),
    }
    options: list[str | Path] = ["--template-file", PACKED / "template.yaml", "--stack-name", place.stack_name]
    if cloud.tags:
        options += ["--tags", *(f"{name}={value}" for name, value in cloud.tags.items())]
    with _locked(shared=True) as lock:
        _sam(place, "deploy", options, parameters, cloud.aws_environment, lock)


def stack_environment(place: Place, cloud: Cloud) -> dict[str, str]:
    """Return what `stack.env` tells every other tool: the outputs of the deployed stack, and how to get in."""
    formation = stack_env.client(cloud.aws_environment, "cloudformation")
    (stack,) = formation.describe_stacks(StackName=place.stack_name)["Stacks"]
    outputs = {WORD.sub("_", each["OutputKey"]).upper(): each["OutputValue"] for each in stack["Outputs"]}
    return {
        **{name: cloud.reachable(value) for name, value in outputs.items()},
        **cloud.aws_environment,
        "CLOUD": place.cloud,
        "API_KEY": place.secrets.api_key,
        "DATABASE_URL": cloud.database_url,
        "READER_DATABASE_URL": cloud.role_url(migrate.READER, place.secrets.reader_password),
        "UI_URL": place.ui_url,
    }


@contextlib.contextmanager
def _locked(*, shared: bool = False) -> Iterator[int]:
    """Hold the lock on the build alone, or with other readers; a process that inherits the descriptor keeps it.

    Filelock's locks are neither shared nor inherited.
    """
    BUILT.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield lock.fileno()


def _build(place: Place, platform: str, lock: int) -> None:
    wanted = _sources(platform)
    BUILT_FROM.unlink(missing_ok=True)
    options: list[str | Path] = ["--build-dir", ARTIFACTS, "--cache-dir", BUILT / "cache"]
    target = {"LAYER_PYTHON": PYTHON, "LAYER_PLATFORM": platform, "PYTHON": sys.executable}
    _sam(place, "build", options, {"PythonRuntime": f"python{PYTHON}"}, target, lock)
    packages.pack(ARTIFACTS, PACKED)
    BUILT_FROM.write_text(wanted)


def _layer_platform(place: Place) -> str:
    """Return what the wheels of the layers are for: this machine, or Linux where only containers are Linux."""
    if place.cloud == "embedded" or system() == "Linux":
        return ""
    return f"{'aarch64' if machine() == 'arm64' else machine()}-manylinux_2_28"


def _is_built(platform: str) -> bool:
    return BUILT_FROM.exists() and BUILT_FROM.read_text() == _sources(platform)


def _sources(platform: str) -> str:
    files = [file for name in SOURCES for file in packages.files_in(ROOT / name) if file.suffix != ".pyc"]
    return packages.digest([*files, ROOT / "samconfig.toml", ROOT / "uv.lock"], ROOT, PYTHON, platform, sys.executable)


def _sam(
    place: Place,
    command: str,
    options: Sequence[str | Path],
    parameters: Mapping[str, str],
    env: Mapping[str, str],
    lock: int,
) -> None:
    line = [Path(sys.executable).with_name("sam"), command, *options]
    line += ["--config-file", ROOT / "samconfig.toml", "--config-env", "local"]
    line += ["--parameter-overrides", *(f'{name}="{value}"' for name, value in parameters.items())]
    # The lock goes with sam, which may outlive a command that is killed.
    sam = processes.start(f"sam-{command}", line, place, env=_tool_environment(env), cwd=ROOT, inherited=[lock])
    try:
        if sam.wait():
            raise LocalCloudError(f"sam {command} failed; {sam.log_tail()}")
    finally:
        sam.stop()


def _tool_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment without its AWS account, with this environment's tools first."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.5",  # of 5 seconds, made for a cloud further away
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **env,
    }
