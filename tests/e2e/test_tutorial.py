"""The tutorial, done as it stands: every command in its order, with what it is said to print."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import stack_env
from local_cloud.config import ROOT
from tests.e2e.test_readme import AWS, shown

pytestmark = pytest.mark.timeout(300)

TUTORIAL = ROOT / "docs/tutorial.md"
STARTED_BEFORE = "make up DETACH=1"
LOADED = "set -a; . .local/stack.env"
TOOLS = ("Makefile", "pyproject.toml", "uv.lock", "scripts", ".venv", "layers", "datasets")


@pytest.fixture
def project(stack: dict[str, str], tmp_path: Path) -> Path:
    """A folder like the project's where a stack runs, with definitions of its own."""
    subprocess.run(["make", "setup"], cwd=ROOT, check=True, capture_output=True)  # or `make` would set up this folder
    (tmp_path / ".local").mkdir()
    stack_env.write(tmp_path / ".local/stack.env", stack)
    for name in TOOLS:
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "use_cases", tmp_path / "use_cases")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/aws").write_text(AWS)
    (tmp_path / "bin/aws").chmod(0o755)
    return tmp_path


def run(project: Path, command: str) -> str:
    """Run a command as somebody in the project's folder would; return what it printed."""
    environment = {
        "PATH": f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(project),
        "COLUMNS": "200",
        "STACK_ENV_FILE": str(project / ".local/stack.env"),
        "USE_CASES_DIR": str(project / "use_cases"),
    }
    script = f"{LOADED}\n{command}\n"
    done = subprocess.run(["/bin/sh", "-c", script], cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.proof
def test_the_tutorial_does_what_it_says(project: Path) -> None:
    commands = list(shown(TUTORIAL.read_text()))
    assert [command for command, _ in commands if command.startswith("make new")]

    for command, expected in commands:
        if command in (STARTED_BEFORE, LOADED):
            continue
        printed = re.sub(r"\s+", " ", run(project, command))
        missing = [line for line in expected.splitlines() if re.sub(r"\s+", " ", line).strip() not in printed]
        assert missing == [], f"{command}\n{printed}"
