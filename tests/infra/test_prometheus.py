import os
import shutil
import subprocess

import pytest
import yaml

from local_cloud.config import ROOT

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


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")],
)
def test_prometheus_accepts_its_configuration_and_rules(promtool: str, arguments: tuple[str, ...]) -> None:
    found = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_what_docker_compose_mounts_is_there() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    mounts = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    assert [path for path in mounts if path.startswith("./") and not (ROOT / path).exists()] == []
