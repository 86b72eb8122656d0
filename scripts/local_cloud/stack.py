"""Bring up everything the deployed stack needs, hand out where it is, and stop it again."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import migrate
import stack_env
from local_cloud import deployment, emulator, models, postgres, processes, traffic, ui
from local_cloud.config import LocalCloudError, Place, Ports, free_ports
from local_cloud.processes import Server
from local_cloud.progress import Step, silent

READY_SECONDS = 180.0
API_HEALTH = "/health"


@dataclass(frozen=True)
class Stack:
    """A deployed stack that answers."""

    place: Place
    env: dict[str, str]  # the contents of stack.env
    servers: list[Server]


@contextlib.contextmanager
def local_stack(
    folder: Path, ports: Ports | None = None, *, step: Step = silent, overrides: Mapping[str, str] | None = None
) -> Iterator[dict[str, str]]:
    """Run a throw-away stack beside any other; yield its environment, the same variables as in `stack.env`.

    `overrides` are parameters of the template, such as {"ScheduleExpression": "rate(1 minute)"}.
    """
    place = Place(folder, ports or free_ports(), durable=False)
    with running_stack(place, step=step, overrides=overrides) as stack:
        yield stack.env


@contextlib.contextmanager
def running_stack(
    place: Place, *, step: Step, overrides: Mapping[str, str] | None = None, with_ui: bool = False
) -> Iterator[Stack]:
    """Start the servers, deploy, publish the models; stop the servers at the end, whatever happened."""
    place.ports.check()
    place.logs.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as started:
        started.callback(emulator.tidy, place)  # takes longest: when all servers are down
        with step("PostgreSQL"):
            database = postgres.start(place)
            started.callback(database.stop)
            migrate.migrate(place.database_url, place.secrets.reader_password, place.secrets.app_password)
        with step("Emulated AWS"):
            emulator.prepare()
            cloud = emulator.start(place)
            started.callback(cloud.stop)
        with step("Models"):
            models.train_missing()
        with step("sam build"):
            deployment.build(place)
        with step("sam deploy"):
            deployment.deploy(place, overrides)
        env = deployment.stack_environment(place)
        models.publish(env)
        with step("First answer of the API"):
            wait_for_api(env["API_URL"])
        stack_env.write(place.env_file, env)
        started.callback(place.env_file.unlink, missing_ok=True)
        servers = [database, cloud]
        if with_ui and ui.APP.exists():
            with step("Web page"):
                servers.append(ui.start(place, env))
                started.callback(servers[-1].stop)
            started.enter_context(traffic.running(place, env))
        yield Stack(place, env, servers)


def wait_for_api(url: str) -> None:
    """Wait until GET /health answers 200; the first call starts the function."""
    deadline = time.monotonic() + READY_SECONDS
    while not processes.answers(url + API_HEALTH):
        if time.monotonic() > deadline:
            raise LocalCloudError(f"{url}/health did not answer within {READY_SECONDS:.0f} s; see the emulator's log")
        time.sleep(0.2)
