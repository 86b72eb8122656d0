"""What the stack is told of a cloud, and what `make up CLOUD=localstack` asks of Docker."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_cloud import clouds, compose
from local_cloud.config import LocalCloudError, Place, free_ports
from local_cloud.progress import silent

FAR = "postgresql://owner:secret@db.example:5433/tabserve"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state", free_ports(), cloud="localstack")


def test_urls_of_the_cloud_need_no_name_server() -> None:
    cloud = clouds.Cloud("http://127.0.0.1:4566", FAR, "http://localhost.localstack.cloud:4566", "pg:6000")
    queue = "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/predict"
    assert cloud.reachable(queue) == "http://127.0.0.1:4566/000000000000/predict"
    assert cloud.reachable("tabserve-raw-000000000000") == "tabserve-raw-000000000000"
    assert cloud.role_url("tabserve_reader", "pass") == "postgresql://tabserve_reader:pass@db.example:5433/tabserve"
    assert cloud.functions_url("tabserve_app", "pass") == "postgresql://tabserve_app:pass@pg:6000/tabserve"


DOCKER = """#!/bin/sh
echo "$COMPOSE_PORTS $*" >> {said}
case "$*" in
  "compose version --short") {compose} ;;
  "version "*) {engine} ;;
  *" up "*) {up} ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A `docker` of one's own; returns the file with what it was asked for."""

    def docker(compose: str = "echo 2.40.3", engine: str = "echo 28.2.2", up: str = ":") -> Path:
        folder, said = tmp_path / "bin", tmp_path / "said"
        folder.mkdir(exist_ok=True)
        program = folder / "docker"
        program.write_text(DOCKER.format(said=said, compose=compose, engine=engine, up=up))
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return said

    return docker


class TestDocker:
    @pytest.mark.parametrize(
        ("answers", "words"),
        [
            ({"compose": "exit 1"}, "`docker compose` is missing: install Docker's compose plugin"),
            ({"compose": "echo 2.5.0"}, r"`docker compose` 2\.5\.0 is too old: it must be 2\.23\.1 or newer"),
            (
                {"engine": "echo 'Cannot connect to the Docker daemon' >&2; exit 1"},
                r"The Docker engine does not run \(Cannot connect to the Docker daemon\)",
            ),
            (
                {"engine": "echo 'permission denied while trying to connect' >&2; exit 1"},
                "The Docker engine may not be used by this user",
            ),
        ],
    )
    def test_what_is_missing_is_named_with_the_way_out(self, docker: Any, answers: dict[str, str], words: str) -> None:
        docker(**answers)
        with pytest.raises(LocalCloudError, match=words):
            compose.check()

    def test_no_docker_at_all(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(LocalCloudError, match=r"there is no `docker` here: .*AWS_ENDPOINT_URL"):
            compose.check()

    def test_it_is_asked_for_the_cloud_first_then_for_the_rest_and_stopped_at_the_end(
        self, docker: Any, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = docker()
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        with clouds.on_localstack(place, silent) as cloud:
            assert cloud.aws == place.aws_endpoint
            assert cloud.functions_aws == f"http://localhost.localstack.cloud:{place.ports.emulator}"
            assert cloud.functions_database == "postgres:5432"
            assert cloud.with_page
            cloud.ready({"API_URL": f"{cloud.aws}/_aws/execute-api/abc/v1", "API_KEY": "key"})
        asked = [
            line.split(" --project-name ")[1] for line in said.read_text().splitlines() if "--project-name" in line
        ]
        name = compose.project(place)
        assert [line.removeprefix(f"{name} ") for line in asked] == [
            "up --detach --wait --build localstack postgres",
            "up --detach --wait --build page prometheus grafana",
            "down --remove-orphans --timeout 30",
        ]

    def test_what_fails_is_told_by_its_last_line_and_stopped(self, docker: Any, place: Place) -> None:
        place.logs.mkdir(parents=True)
        said = docker(up="echo 'Bind for 127.0.0.1:3000 failed: port is already allocated' >&2; exit 1")
        with (
            pytest.raises(LocalCloudError, match=r"failed: Bind for .*3000 failed: port is already allocated"),
            clouds._in_containers(place, silent),
        ):
            pass
        assert said.read_text().splitlines()[-1].endswith("down --remove-orphans --timeout 30")
