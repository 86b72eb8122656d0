"""Bring up everything the deployed stack needs, hand out where it is, and stop it again."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

import migrate
import stack_env
from local_cloud import deployment, models, processes, traffic, ui
from local_cloud.clouds import CLOUDS
from local_cloud.config import ROOT, LocalCloudError, Place, Ports, free_ports
from local_cloud.processes import Server
from local_cloud.progress import Step, silent

READY_SECONDS = 180.0
API_HEALTH = "/health"
STORED = "/past-predictions?limit=1"


@dataclass(frozen=True)
class Stack:
    """A deployed stack that answers."""

    place: Place
    env: dict[str, str]  # the contents of stack.env
    servers: list[Server]


@contextlib.contextmanager
def local_stack(
    folder: Path,
    ports: Ports | None = None,
    *,
    cloud: str = "embedded",
    step: Step = silent,
    overrides: Mapping[str, str] | None = None,
) -> Iterator[dict[str, str]]:
    """Run a throw-away stack beside any other; yield its environment, the same variables as in `stack.env`.

    `overrides` are parameters of the template, such as {"ScheduleExpression": "rate(1 minute)"}.
    """
    place = Place(folder, ports or free_ports(), durable=False, cloud=cloud)
    if cloud != "embedded":
        # Beside a lasting stack in the same emulator, and perhaps on the same database server.
        place = replace(place, stack_name=f"tabserve-{token_hex(4)}", roles_of=ROOT / ".local")
    with running_stack(place, step=step, overrides=overrides) as stack:
        yield stack.env


@contextlib.contextmanager
def running_stack(
    place: Place, *, step: Step, overrides: Mapping[str, str] | None = None, with_ui: bool = False
) -> Iterator[Stack]:
    """Start the servers, deploy, publish the models; stop the servers at the end, whatever happened."""
    place.logs.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as started:
        if with_ui:
            place.ports.check("ui")
        cloud = started.enter_context(CLOUDS[place.cloud](place, step))
        with step("Tables"):
            migrate.migrate(cloud.database_url, place.secrets.reader_password, place.secrets.app_password)
        with step("Models"):
            models.train_missing()
        with step("sam build"):
            deployment.build(place)
        with step("sam deploy"):
            deployment.deploy(place, cloud, overrides)
        env = deployment.stack_environment(place, cloud)
        models.publish(env)
        with step("First answer of the API"):
            wait_for_api(env, cloud.functions_database)
        stack_env.write(place.env_file, env)
        started.callback(place.env_file.unlink, missing_ok=True)
        cloud.ready(env)
        servers = list(cloud.servers)
        if with_ui and ui.APP.exists():
            if not cloud.with_page:
                with step("Web page"):
                    servers.append(ui.start(place, env))
                    started.callback(servers[-1].stop)
            started.enter_context(traffic.running(place, env))
        yield Stack(place, env, servers)


def wait_for_api(env: Mapping[str, str], database: str) -> None:
    """Wait until the API answers, and its functions reach the database; the first call starts the function."""
    deadline = time.monotonic() + READY_SECONDS
    while not processes.answers(env["API_URL"] + API_HEALTH):
        if time.monotonic() > deadline:
            raise LocalCloudError(f"{env['API_URL']}/health did not answer within {READY_SECONDS:.0f} s.")
        time.sleep(0.2)
    if not processes.answers(env["API_URL"] + STORED, {"x-api-key": env["API_KEY"]}):
        raise LocalCloudError(
            f"The functions do not reach the database at {database}: "
            "say where they find it, FUNCTIONS_DATABASE_HOST=HOST:PORT."
        )
