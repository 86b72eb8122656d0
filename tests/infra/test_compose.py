"""What can be known of docker-compose.yml without Docker; `make check` holds it against the Compose specification."""

import os
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cloud import compose as containers
from local_cloud import localstack, processes
from local_cloud.config import HOST, ROOT, Place, free_ports
from tests.infra import template

FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "ui/Dockerfile"
VARIABLE = re.compile(r"\$\{(\w+)(.*?)\}")


def compose() -> Any:
    return yaml.safe_load(FILE.read_text())


@pytest.mark.parametrize("service", compose()["services"])
def test_a_service_is_pinned_healthy_and_on_this_machine_alone(service: str) -> None:
    described = compose()["services"][service]
    image = described.get("image") or re.findall(r"^FROM (.*)$", DOCKERFILE.read_text(), re.MULTILINE)[-1]
    tag = VARIABLE.sub(lambda found: found[2].removeprefix(":-"), image).partition(":")[2]
    assert re.search(r"\d", tag) or tag == "community-archive"  # frozen
    assert described["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in described["ports"])


def test_all_services_are_started_by_make_up_and_every_variable_has_a_default() -> None:
    assert {*containers.CLOUD, *containers.AROUND} == compose()["services"].keys()
    assert [found[0] for found in VARIABLE.finditer(FILE.read_text()) if not found[2].startswith(":-")] == []


def test_what_is_mounted_is_there() -> None:
    mounts = [volume.split(":")[0] for each in compose()["services"].values() for volume in each.get("volumes", [])]
    assert [path for path in mounts if path.startswith("./") and not (ROOT / path).exists()] == []


def test_localstack_offers_every_service_that_its_stack_needs() -> None:
    offered = set(compose()["services"]["localstack"]["environment"]["SERVICES"].split(","))
    there = template.resolved(**localstack.PARAMETERS)["Resources"].values()
    needed = {each["Type"].split("::")[1].lower() for each in there} - {"serverless"}
    assert needed <= offered
    assert needed <= localstack.SERVICES <= offered


def test_the_links_that_functions_hand_out_lead_to_localstack_in_every_container() -> None:
    assert compose()["services"]["localstack"]["networks"]["tabserve"]["aliases"] == [localstack.NAME]
    assert f"http://{localstack.NAME}:" in compose()["services"]["page"]["environment"]["API_URL"]


def test_the_image_of_the_page_is_made_with_the_locked_uv() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    (version,) = (package["version"] for package in locked if package["name"] == "uv")
    assert f"uv=={version} " in DOCKERFILE.read_text()


WITHOUT_THE_PROJECT = """
import runpy, sys
sys.modules["tabserve"] = sys.modules["scripts"] = None
sys.path = ["", *(path for path in sys.path if path.endswith(("site-packages", "lib-dynload")) or "lib/python" in path)]
runpy.run_module("ui", run_name="__main__", alter_sys=True)
"""


def test_the_page_runs_on_what_its_image_gets(tmp_path: Path) -> None:
    copied = [line.split()[:-1] for line in re.findall(r"^COPY (.*)$", DOCKERFILE.read_text(), re.MULTILINE)]
    admitted = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(name for names in copied for name in names) == sorted(admitted)
    for name in admitted:
        copy: Any = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    place = Place(tmp_path / "state", free_ports())
    nowhere = {"API_URL": "http://127.0.0.1:9", "API_KEY": "key", "READER_DATABASE_URL": "postgresql://a@127.0.0.1:9/b"}
    server = processes.start(
        "page",
        [sys.executable, "-c", WITHOUT_THE_PROJECT, f"--server.address={HOST}", f"--server.port={place.ports.ui}"],
        place,
        env={"PATH": os.defpath, "HOME": str(tmp_path), **nowhere},
        cwd=tmp_path,
    )
    try:
        server.wait_until(lambda: processes.answers(f"http://{HOST}:{place.ports.ui}/_stcore/health"))
    finally:
        server.stop()
