import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import stack_env
from local_cloud.stack import local_stack
from tabserve.core import service as common
from tabserve.core.settings import read_settings

EXAMPLES = {"iris", "titanic"}


@pytest.fixture(scope="session", autouse=True)
def examples() -> None:
    """Skip where the project's examples, which these tests tell of, were taken away."""
    if absent := EXAMPLES - set(common.catalog(read_settings()).names()):
        pytest.skip(f"use_cases/ lacks {', '.join(sorted(absent))}")


# AWS knows no schedule that short; the emulator starts it each time it looks, every ten seconds.
SOON = {"ScheduleExpression": "rate(0 minutes)"}


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a deployed stack: of the one that STACK_ENV_FILE names, else of one started for the tests."""
    if file := os.environ.get("STACK_ENV_FILE"):
        yield stack_env.read(Path(file))
        return
    with local_stack(tmp_path_factory.mktemp("stack"), overrides=SOON) as env:
        yield env


@pytest.fixture
def guarded(stack: dict[str, str]) -> None:
    """Skip where the emulator lets everybody do everything."""
    if stack["CLOUD"] != "embedded":
        pytest.skip("LocalStack's free edition checks neither signatures nor rights")
