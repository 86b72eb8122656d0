"""LocalStack, PostgreSQL and what is around them in containers, by docker-compose.yml."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from local_cloud.config import ROOT, LocalCloudError, Place

CLOUD = ("localstack", "postgres")
AROUND = ("page", "prometheus", "grafana")  # once the API's address and key are known
OLDEST = (2, 23, 1)  # the first that takes the content of a file from the compose file
ATTACH = "or give AWS_ENDPOINT_URL, of a LocalStack that runs"


def check() -> None:
    """Raise LocalCloudError unless Docker and its compose command are there and may be used."""
    if shutil.which("docker") is None:
        raise LocalCloudError(
            f"CLOUD=localstack runs it in a container, and there is no `docker` here: install Docker, {ATTACH}."
        )
    said = _docker("compose", "version", "--short")
    if said.returncode:
        raise LocalCloudError(f"`docker compose` is missing: install Docker's compose plugin, {ATTACH}.")
    version = tuple(map(int, re.findall(r"\d+", said.stdout)[:3]))
    if version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise LocalCloudError(f"`docker compose` {said.stdout.strip()} is too old: it must be {oldest} or newer.")
    if (asked := _docker("version", "--format", "{{.Server.Version}}")).returncode:
        why = "may not be used by this user" if "permission denied" in asked.stderr.lower() else "does not run"
        raise LocalCloudError(f"The Docker engine {why} ({_last_line(asked.stderr)}): see to it, {ATTACH}.")


def up(place: Place, services: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Start services and wait until they are healthy; `env` is what is in stack.env."""
    _mark(place).parent.mkdir(parents=True, exist_ok=True)
    _mark(place).touch()
    done = _compose(place, ["up", "--detach", "--wait", "--build", *services], env)
    if done.returncode:
        logs = _compose(place, ["logs", "--no-color", "--tail", "20", *services], env).stdout
        log = place.logs / "compose.log"
        log.write_text(f"{done.stdout}{done.stderr}{logs}")
        raise LocalCloudError(f"`docker compose up` failed: {_last_line(done.stderr)} (more in {log})")


def down(place: Place, *, forget: bool = False) -> None:
    """Stop and remove the containers that a state folder has started, and its volumes if they are to be forgotten."""
    if not _mark(place).exists():
        return
    _compose(place, ["down", "--remove-orphans", "--timeout", "30", *(["--volumes"] if forget else [])])


def project(place: Place) -> str:
    """Return the name of a state folder's containers, volumes and network."""
    return f"tabserve-{hashlib.sha256(str(place.folder).encode()).hexdigest()[:8]}"


def _mark(place: Place) -> Path:
    return place.data / "containers"


def _compose(
    place: Place, words: Sequence[str], env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    api = env or {}
    settings = {
        "EMULATOR_PORT": str(place.ports.emulator),
        "POSTGRES_PORT": str(place.ports.postgres),
        "UI_PORT": str(place.ports.ui),
        "POSTGRES_PASSWORD": place.secrets.postgres_password,
        "READER_PASSWORD": place.secrets.reader_password,
        "API_PATH": urlsplit(api.get("API_URL", "")).path,
        "API_KEY": api.get("API_KEY", ""),
    }
    return _docker("compose", "--project-name", project(place), *words, settings=settings)


def _docker(*words: str, settings: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        env={**os.environ, **(settings or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["it said nothing"])[-1]
