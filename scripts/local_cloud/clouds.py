"""The emulated clouds that a stack is deployed to: the embedded one, and LocalStack, in containers or as it runs."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import make_url

from local_cloud import compose, emulator, localstack, ownership, postgres
from local_cloud.attachment import Attachment
from local_cloud.config import CREDENTIALS, HOST, REGION, Place
from local_cloud.processes import Server
from local_cloud.progress import Step


@dataclass(frozen=True)
class Cloud:
    """An emulated AWS and a PostgreSQL server that answer: where this machine finds them, where the functions do."""

    aws: str  # http://HOST:PORT
    database_url: str  # the owner's
    functions_aws: str
    functions_database: str  # HOST:PORT
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the template
    tags: Mapping[str, str] = field(default_factory=dict)  # of the stack
    servers: Sequence[Server] = ()  # that must not end by themselves
    with_page: bool = False  # the web page runs there
    ready: Callable[[Mapping[str, str]], object] = lambda _: None  # told what is in stack.env when the API answers

    @property
    def aws_environment(self) -> dict[str, str]:
        """The variables that point the AWS tools here, whatever the user's own configuration says."""
        return {"AWS_ENDPOINT_URL": self.aws, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **CREDENTIALS}

    def role_url(self, role: str, password: str) -> str:
        """Return the database's URL for a role on this machine."""
        url = make_url(self.database_url).set(username=role, password=password)
        return url.render_as_string(hide_password=False)

    def functions_url(self, role: str, password: str) -> str:
        """Return the database's URL for a role of the functions."""
        there = urlsplit(f"//{self.functions_database}")
        url = make_url(self.role_url(role, password)).set(host=there.hostname, port=there.port)
        return url.render_as_string(hide_password=False)

    def reachable(self, address: str) -> str:
        """Return a URL of this cloud, of the API or a queue, as it is reached from here without any name server."""
        if not address.startswith("http"):
            return address
        here = urlsplit(self.aws)
        return urlunsplit(urlsplit(address)._replace(scheme=here.scheme, netloc=here.netloc))


@contextlib.contextmanager
def embedded(place: Place, step: Step) -> Iterator[Cloud]:
    """Run MiniStack, an emulator from a wheel, and PostgreSQL from a wheel, as processes."""
    place.ports.check("emulator", "postgres")
    with contextlib.ExitStack() as started:
        started.callback(emulator.tidy, place)  # takes longest: when all servers are down
        with step("PostgreSQL"):
            database = postgres.start(place)
            started.callback(database.stop)
        with step("Emulated AWS"):
            emulator.prepare()
            aws = emulator.start(place)
            started.callback(aws.stop)
        yield Cloud(
            aws=place.aws_endpoint,
            database_url=place.database_url,
            functions_aws=place.aws_endpoint,
            functions_database=f"{HOST}:{place.ports.postgres}",
            servers=(database, aws),
        )


@contextlib.contextmanager
def on_localstack(place: Place, step: Step) -> Iterator[Cloud]:
    """Use the LocalStack that AWS_ENDPOINT_URL names, or run one in a container beside PostgreSQL."""
    attachment = Attachment.from_environment()
    with _attached(place, step, attachment) if attachment else _in_containers(place, step) as cloud:
        yield cloud


@contextlib.contextmanager
def _attached(place: Place, step: Step, attachment: Attachment) -> Iterator[Cloud]:
    with contextlib.ExitStack() as started:
        with step(f"LocalStack at {attachment.aws}"):
            attachment.check(place)
        servers: tuple[Server, ...] = ()
        if attachment.database_url:
            database_url = started.enter_context(attachment.database(place))
            functions_database = attachment.functions_database
        else:
            place.ports.check("postgres")
            with step("PostgreSQL"):
                servers = (postgres.start(place),)
                started.callback(servers[0].stop)
            database_url, functions_database = place.database_url, f"{HOST}:{place.ports.postgres}"
        ownership.remember(place, attachment.aws, attachment.database_url)
        stay = started.enter_context(ownership.provisional(place, attachment.aws))
        yield Cloud(
            aws=attachment.aws,
            database_url=database_url,
            functions_aws=attachment.functions_aws,
            functions_database=functions_database,
            parameters=localstack.PARAMETERS,
            tags=ownership.owner_tags(place),
            servers=servers,
            ready=lambda _: stay(),
        )


@contextlib.contextmanager
def _in_containers(place: Place, step: Step) -> Iterator[Cloud]:
    compose.check()
    compose.down(place)  # what a killed command left has the ports
    place.ports.check()
    with contextlib.ExitStack() as started:
        started.callback(compose.down, place, forget=not place.durable)
        with step("LocalStack and PostgreSQL in containers"):
            compose.up(place, compose.CLOUD)
        yield Cloud(
            aws=place.aws_endpoint,
            database_url=place.database_url,
            functions_aws=localstack.endpoint_in_containers(place.aws_endpoint),
            functions_database="postgres:5432",
            parameters=localstack.PARAMETERS,
            with_page=place.durable,
            ready=lambda env: compose.up(place, compose.AROUND, env) if place.durable else None,
        )


CLOUDS: Mapping[str, Callable[[Place, Step], AbstractContextManager[Cloud]]] = {
    "embedded": embedded,
    "localstack": on_localstack,
}
