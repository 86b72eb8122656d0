import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from local_cloud.config import ROOT
from tests.infra.test_compose import compose

FOLDER = ROOT / "grafana" / "prometheus"


@pytest.fixture
def promtool() -> str:
    """Where promtool is; without it these tests are skipped, or fail where REQUIRE_PROMTOOL is set."""
    path = shutil.which("promtool")
    if path is None:
        (pytest.fail if os.environ.get("REQUIRE_PROMTOOL") else pytest.skip)(
            "No promtool here: it comes with Debian's package prometheus."
        )
    return path


@pytest.mark.parametrize("arguments", [("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")])
def test_prometheus_accepts_its_rules(promtool: str, arguments: tuple[str, ...]) -> None:
    checked(promtool, *arguments, cwd=FOLDER)


def test_prometheus_accepts_its_configuration(promtool: str, tmp_path: Path) -> None:
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    (job,) = configuration["scrape_configs"]
    assert job["http_headers"] == {"x-api-key": {"files": ["api-key"]}}
    said = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr)
    assert version is not None
    if tuple(map(int, version.groups())) < (2, 55):
        del job["http_headers"]  # what it does not know yet
    for name in ("rules.yml", "prometheus.yml"):
        (tmp_path / name).write_text((FOLDER / name).read_text())
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    (tmp_path / "api-key").write_text("key")
    (tmp_path / "api.json").write_text(compose()["configs"]["api"]["content"].replace("${EMULATOR_PORT:-4566}", "4566"))
    checked(promtool, "check", "config", "prometheus.yml", cwd=tmp_path)


def checked(*command: str, cwd: Path) -> None:
    found = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
