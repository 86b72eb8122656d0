"""The gate stays green with definitions beside the project's own whose names, marks and limits invite mistakes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tabserve.core.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = Path(__file__).parent / "hostile"
NAMES = " or ".join(path.stem for path in HOSTILE.glob("*.yaml"))
TESTS = [
    "own_data/test_every_use_case.py",
    "unit/core/test_use_cases_are_data.py",
    "unit/grafana",
    "unit/serving/test_app.py",
]
CHOSEN = f"{NAMES} or test_use_cases_are_data or test_lint or document"
CHECKS = {
    "dashboards": ["scripts/check_dashboards.py"],
    "tests": ["-m", "pytest", "-q", *(f"tests/{path}" for path in TESTS), "-k", CHOSEN],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's definitions with the hostile ones beside them."""
    folder = tmp_path_factory.mktemp("own") / "use_cases"
    shutil.copytree(read_settings().use_cases_dir, folder)
    for path in HOSTILE.glob("*.yaml"):
        shutil.copy(path, folder)
    return folder


@pytest.mark.timeout(300)
@pytest.mark.parametrize("check", CHECKS)
def test_the_gate_holds_with_hostile_use_cases(check: str, folder: Path) -> None:
    env = os.environ | {"USE_CASES_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *CHECKS[check]], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
