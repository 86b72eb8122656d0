"""Continuous integration runs what a developer runs, on every promised Python, with actions that cannot change."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from local_cloud.config import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))
PINNED = re.compile(r"- uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def gate() -> Any:
    return yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["gate"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(workflow: Any) -> None:
    used = [line.strip() for line in workflow.read_text().splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_the_gate_is_one_script_on_every_promised_python_with_the_browser_required() -> None:
    assert [step["run"] for step in gate()["steps"] if "run" in step] == [".ci/run"]
    assert gate()["env"]["REQUIRE_BROWSER"] == "1"
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    first, end = (int(minor) for minor in re.findall(r"3\.(\d+)", promised))
    assert gate()["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(first, end)]
