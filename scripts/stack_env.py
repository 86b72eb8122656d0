"""The environment of the stack that `make up` runs, as other commands read it."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parent.parent
STACK_ENV = ROOT / ".local/stack.env"
sys.path.append(str(ROOT))  # where `ui`, `functions` and `grafana` are


def read(path: Path = STACK_ENV) -> dict[str, str]:
    """Return the variables of a dotenv file; none when there is no file."""
    if not path.is_file():
        return {}
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Write a dotenv file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))


def apply(path: Path | None = None) -> bool:
    """Put a running stack's variables into this process; return whether there is one.

    It is the one of `make up`, unless a path or STACK_ENV_FILE names another file.
    """
    variables = read(path or Path(os.environ.get("STACK_ENV_FILE") or STACK_ENV))
    os.environ.update(variables)
    return bool(variables)


def client(variables: Mapping[str, str], service: str) -> Any:  # noqa: ANN401  boto3 clients have no static type
    """Return a client of a stack's cloud."""
    make: Callable[..., Any] = boto3.client
    return make(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
