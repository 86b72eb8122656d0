"""What functions are built from; nothing heavy is imported before it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tabserve.core.catalog import YamlCatalog
from tabserve.core.connection import role_name
from tabserve.core.errors import SettingsError
from tabserve.core.settings import Settings, read_settings

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from tabserve.core.database import Database

Deps = TypeVar("Deps")


CLIENTS = Lock()  # botocore's clients are safe in threads, making one is not


@dataclass(frozen=True, slots=True)
class Service(Generic[Deps]):
    """The parts of a function that events start: what its work needs, and where it says what it has done."""

    deps: Deps
    log: "Logger"
    metrics: "Metrics"

    def count(self, **counts: int) -> None:
        """Note counts, to be written when the invocation ends."""
        for name, count in counts.items():
            self.metrics.add_metric(name, "Count", count)

    def each_message(
        self, event: Mapping[str, Any], work: Callable[[Mapping[str, Any]], None], failure: str
    ) -> dict[str, list[dict[str, str]]]:
        """Work off the messages of a queue, each by itself; return those to be delivered again.

        Powertools' BatchProcessor does the same but logs no error, and raises one when every message fails.
        """
        failed = []
        for message in event["Records"]:
            try:
                work(message)
            except Exception:
                self.log.exception(failure, extra={"message_id": message["messageId"]})
                failed.append({"itemIdentifier": message["messageId"]})
        self.count(FailedMessages=len(failed))
        return {"batchItemFailures": failed}


def lambda_service(
    name: str, needs: Sequence[str], deps: Callable[[Settings], Deps], optional: Sequence[str] = ()
) -> Service[Deps]:
    """Build a function's parts from the settings that it declares; raise SettingsError when it lacks one it needs."""
    settings = read_settings(needs, optional)
    return Service(deps(settings), logger(settings, name), metrics(name))


def seconds_left(context: "LambdaContext") -> Callable[[], float]:
    """Return what tells how long an invocation may still take."""
    return lambda: context.get_remaining_time_in_millis() / 1000


def catalog(settings: Settings) -> YamlCatalog:
    """Return the use cases of the project, or of the folder that is set."""
    return YamlCatalog(settings.use_cases_dir)


def logger(settings: Settings, service: str) -> "Logger":
    """Return a logger that writes one JSON object a line."""
    from aws_lambda_powertools.logging import Logger

    return Logger(service=service, level=settings.log_level)


def metrics(service: str) -> "Metrics":
    """Return a collector of metrics that are written as one log line (EMF)."""
    from aws_lambda_powertools.metrics import Metrics

    return Metrics(namespace="tabserve", service=service)


def aws_client(
    settings: Settings, name: str, *, patient: bool = True, once_within: float | None = None, connections: int = 10
) -> Any:  # noqa: ANN401  clients have no type
    """Return a client of an AWS service, or of the emulator's; an impatient one gives up after a try of two seconds.

    One that acts `once_within` some seconds waits so long for an answer and tries nothing again. botocore makes the
    same clients as boto3, whose import costs a cold start 50 ms more.
    """
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=once_within or (10 if patient else 2),
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": 3 if patient and not once_within else 1},
        # Links would be signed in an older way, which leaves the size of what is sent open.
        signature_version="s3v4" if name == "s3" else None,
    )
    endpoint = str(settings.aws_endpoint_url) if settings.aws_endpoint_url else None
    with CLIENTS:
        return _session().create_client(name, region_name=settings.aws_region, endpoint_url=endpoint, config=config)


@cache
def _session() -> Any:  # noqa: ANN401
    import botocore.session

    return botocore.session.get_session()


def database_url(settings: Settings) -> str:
    """Return the database's URL, read from Secrets Manager when the setting names a secret."""
    settings.require("database_url")
    if not settings.database_url.startswith("arn:"):
        return settings.database_url
    secret = aws_client(settings, "secretsmanager").get_secret_value(SecretId=settings.database_url)
    url = str(secret["SecretString"])
    if not url.startswith(("postgresql", "sqlite")):
        raise SettingsError("Malformed setting DATABASE_URL: the secret it names must hold postgresql://…")
    return url


def database(settings: Settings, function: str | None = None) -> "Database":
    """Return the database, with the rights of a function or with all of them."""
    from tabserve.core.database import Database

    return Database(database_url(settings), role=role_name(function) if function else None)
