"""A LocalStack that somebody else runs: whether it can take the stack, and how all that was put there goes again."""

import contextlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from alembic import command
from botocore.exceptions import ClientError, WaiterError
from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

import database_roles
import migrate
import stack_env
from local_cloud.config import HOST, REGION, LocalCloudError, Place
from tabserve.core import database
from tabserve.core.connection import role_name

HEALTH = "/_localstack/health"
INFO = "/_localstack/info"
OLDEST = 4  # the first major version whose REST APIs are found under /_aws/execute-api
# Its free edition's Scheduler keeps schedules but starts nothing.
PARAMETERS = {"ScheduledBy": "rules"}
SERVICES = frozenset(
    (
        "apigateway",
        "cloudformation",
        "cloudwatch",
        "dynamodb",
        "events",
        "iam",
        "lambda",
        "logs",
        "s3",
        "sns",
        "sqs",
        "sts",
    )
)
NAME = "localhost.localstack.cloud"  # what containers, and public name servers (127.0.0.1), know LocalStack by
OWNER_TAG = "tabserve:state"
# Nothing can be deployed over a stack in one of these states.
BROKEN = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
LOOK_SECONDS = 10


@dataclass(frozen=True)
class Attachment:
    """What the user says about a LocalStack that runs: addresses on this machine, and as the functions see them."""

    aws: str
    database_url: str
    functions_aws: str
    functions_database: str  # HOST:PORT

    @classmethod
    def from_environment(cls) -> "Attachment | None":
        """Read AWS_ENDPOINT_URL, DATABASE_URL, FUNCTIONS_AWS_ENDPOINT_URL and FUNCTIONS_DATABASE_HOST.

        None without the first. Raise LocalCloudError for what cannot be used.
        """
        aws = os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/")
        if not aws:
            return None
        functions_aws = os.environ.get("FUNCTIONS_AWS_ENDPOINT_URL", "").rstrip("/") or endpoint_in_containers(aws)
        for name, url in (("AWS_ENDPOINT_URL", aws), ("FUNCTIONS_AWS_ENDPOINT_URL", functions_aws)):
            if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
                raise LocalCloudError(f"{name} is {url!r}; it must be http://HOST:PORT, such as http://localhost:4566.")
        there = os.environ.get("FUNCTIONS_DATABASE_HOST", "")
        return cls(aws, os.environ.get("DATABASE_URL", ""), functions_aws, there)._with_database()

    def check(self, place: Place) -> None:
        """Raise LocalCloudError unless a LocalStack answers that can take this folder's stack, and its database."""
        _check_localstack(self.aws)
        _refuse_foreign_stack(self.aws, place)
        if self.database_url:
            _check_database(self.database_url, place)

    @contextlib.contextmanager
    def database(self, place: Place) -> Iterator[str]:
        """Yield the URL of the database that the stack is to use: the given one, or one that ends with the stack."""
        if place.durable:
            yield self.database_url
            return
        name = place.stack_name.replace("-", "_")
        _execute(self.database_url, f'CREATE DATABASE "{name}"')
        try:
            yield make_url(self.database_url).set(database=name).render_as_string(hide_password=False)
        finally:
            _execute(self.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _with_database(self) -> "Attachment":
        """Say where the functions find the database; raise LocalCloudError where they cannot reach it."""
        at_hand = _is_here(self.functions_aws)
        if not self.database_url:
            if not at_hand:
                raise LocalCloudError(
                    "The functions run in containers, which cannot reach the PostgreSQL that would be started here: "
                    "give a DATABASE_URL, and FUNCTIONS_DATABASE_HOST=HOST:PORT if they see it elsewhere "
                    "(functions that are processes of this machine: FUNCTIONS_AWS_ENDPOINT_URL=AWS_ENDPOINT_URL)."
                )
            return self
        try:
            url = make_url(self.database_url)
        except ArgumentError:
            url = None
        if url is None or not url.drivername.startswith("postgresql") or not url.host:
            raise LocalCloudError("DATABASE_URL must be postgresql://USER:PASSWORD@HOST:PORT/NAME.")
        there = self.functions_database or f"{url.host}:{url.port or 5432}"
        if not at_hand and _is_here(f"//{there}"):
            raise LocalCloudError(
                f"The functions run in containers, where {there} is not the database of this machine: "
                "say under which address they reach it, such as FUNCTIONS_DATABASE_HOST=host.docker.internal:5432."
            )
        return Attachment(self.aws, self.database_url, self.functions_aws, there)


def endpoint_in_containers(aws: str) -> str:
    """Return the address under which LocalStack's functions find it."""
    return f"http://{NAME}:{urlsplit(aws).port or 4566}"


def remember(place: Place, aws: str, database_url: str) -> None:
    """Note in the state folder what `forget` is to take back, before any of it is made."""
    path = place.data / "attached.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    same = known.get("database_url") == database_url
    made = (same and known["made_tables"]) or bool(database_url and migrate.revision(database_url) is None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps({"aws": aws, "database_url": database_url, "made_tables": made}))


@contextlib.contextmanager
def provisional(place: Place, aws: str) -> Iterator[Callable[[], object]]:
    """Delete the stack at the end, unless it was there before; what is yielded lets a lasting one stay."""
    stack = _stack(aws, place.stack_name)
    if stack is not None and stack["StackStatus"] in BROKEN:
        delete_stack(aws, place)
        stack = None
    with contextlib.ExitStack() as undo:
        if stack is None:
            undo.callback(delete_stack, aws, place)
        yield undo.pop_all if place.durable else lambda: None


def forget(place: Place) -> list[str]:
    """Delete the stack, its buckets and tables from where they were attached; return what stays, in sentences."""
    path = place.data / "attached.json"
    if not path.exists():
        return []
    known = json.loads(path.read_text())
    stays = []
    try:
        _check_localstack(known["aws"])
        delete_stack(known["aws"], place)
    except LocalCloudError:
        stays.append(f"LocalStack at {known['aws']} does not answer: what it keeps of the stack stays there.")
    if known["database_url"]:
        where = make_url(known["database_url"]).render_as_string(hide_password=True)
        if not known["made_tables"]:
            stays.append(f"The tables of {where} were there before and stay.")
        else:
            try:
                _drop_tables(known["database_url"])
            except SQLAlchemyError as error:
                stays.append(f"The tables of {where} stay: {_first_line(error)}")
    path.unlink()
    return stays


def _drop_tables(url: str) -> None:
    engine = database.create(url)
    try:
        with engine.begin() as connection:
            command.downgrade(migrate.config(connection), "base")
            connection.execute(text("DROP TABLE alembic_version"))
        for role in (migrate.READER, database_roles.LOGIN, *map(role_name, database_roles.GRANTS)):
            with contextlib.suppress(DBAPIError), engine.begin() as connection:  # another database may need it
                connection.execute(text(f"DROP OWNED BY {role}"))
                connection.execute(text(f"DROP ROLE {role}"))
    finally:
        engine.dispose()


def delete_stack(aws: str, place: Place) -> None:
    """Delete the stack that this state folder has deployed, and what the template keeps when its stack goes."""
    stack = _stack(aws, place.stack_name)
    if stack is None or not _is_ours(stack, place):
        return
    formation = _client(aws, "cloudformation")
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=place.stack_name)
    resources = [each for page in pages for each in page["StackResourceSummaries"] if "PhysicalResourceId" in each]
    for _ in range(2):  # a second time without what was in the way, should the first one fail
        formation.delete_stack(StackName=place.stack_name)
        with contextlib.suppress(WaiterError):
            formation.get_waiter("stack_delete_complete").wait(StackName=stack["StackId"], WaiterConfig={"Delay": 1})
            break
        _delete_kept(aws, resources)
    _delete_kept(aws, resources)


def _delete_kept(aws: str, resources: Sequence[Mapping[str, Any]]) -> None:
    for each in resources:
        with contextlib.suppress(ClientError):  # gone with the stack
            if each["ResourceType"] == "AWS::S3::Bucket":
                _delete_bucket(_client(aws, "s3"), each["PhysicalResourceId"])
            elif each["ResourceType"] == "AWS::DynamoDB::Table":
                _client(aws, "dynamodb").delete_table(TableName=each["PhysicalResourceId"])


def owner_tags(place: Place) -> dict[str, str]:
    """Return the tags by which a stack says which state folder has deployed it."""
    return {OWNER_TAG: place.secrets.state_id}


def _check_localstack(aws: str) -> None:
    info, health = _ask(aws + INFO), _ask(aws + HEALTH)
    version = str(info.get("version", ""))
    if not version.partition(".")[0].isdigit():
        raise LocalCloudError(f"What answers at {aws} is not LocalStack; AWS_ENDPOINT_URL must name one.")
    if int(version.partition(".")[0]) < OLDEST:
        raise LocalCloudError(f"LocalStack {version} at {aws} is too old: it must be {OLDEST}.0 or newer.")
    services = health.get("services", {})
    if lacking := [name for name in sorted(SERVICES) if services.get(name, "disabled") in {"disabled", "error"}]:
        raise LocalCloudError(f"LocalStack at {aws} lacks {', '.join(lacking)}: let its SERVICES name these too.")


def _ask(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=LOOK_SECONDS) as reply:
            answer = json.load(reply)
    except (urllib.error.HTTPError, ValueError):
        return {}
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise LocalCloudError(
            f"Nothing answers at {url.partition('/_')[0]} ({reason}): start LocalStack there, "
            "or leave AWS_ENDPOINT_URL out to run it in a container."
        ) from None
    return answer if isinstance(answer, dict) else {}


def _refuse_foreign_stack(aws: str, place: Place) -> None:
    stack = _stack(aws, place.stack_name)
    if stack is not None and not _is_ours(stack, place):
        raise LocalCloudError(
            f"LocalStack at {aws} has a stack named {place.stack_name} that {place.folder} did not deploy: "
            "use the state folder it came from (STATE_DIR=…), delete that stack, or take another LocalStack."
        )


def _stack(aws: str, name: str) -> dict[str, Any] | None:
    try:
        (stack,) = _client(aws, "cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        return None
    return None if stack["StackStatus"] in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} else dict(stack)


def _is_ours(stack: dict[str, Any], place: Place) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", ())}
    return owner_tags(place).items() <= tags.items()


def _delete_bucket(s3: Any, name: str) -> None:  # noqa: ANN401  clients have no type
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if versions:
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
            s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    s3.delete_bucket(Bucket=name)


def _check_database(url: str, place: Place) -> None:
    """Raise LocalCloudError unless the database answers and no other stack has made its roles."""
    where = make_url(url).render_as_string(hide_password=True)
    try:
        with contextlib.closing(_connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)")
            may_create = cursor.fetchone() is not None
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [database_roles.LOGIN])
            exists = cursor.fetchone() is not None
    except psycopg2.OperationalError as error:
        raise LocalCloudError(f"The database {where} (DATABASE_URL) does not answer: {_first_line(error)}") from None
    if not may_create:
        raise LocalCloudError(f"DATABASE_URL must be of a role that may create roles (CREATEROLE); {where} is not.")
    if not exists:
        return
    own = make_url(url).set(username=database_roles.LOGIN, password=place.secrets.app_password)
    try:
        _connect(own.render_as_string(hide_password=False)).close()
    except psycopg2.OperationalError:
        raise LocalCloudError(
            f"The server of {where} serves another stack: its role {database_roles.LOGIN} has a password that "
            f"{place.folder} did not make; use the state folder it came from (STATE_DIR=…) or another server, "
            "or drop that role if nobody needs it."
        ) from None


def _connect(url: str) -> "psycopg2.extensions.connection":
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg2.connect(plain, connect_timeout=LOOK_SECONDS)


def _execute(url: str, statement: str) -> None:
    with contextlib.closing(_connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _client(aws: str, service: str) -> Any:  # noqa: ANN401  clients have no type
    given = {
        "AWS_ENDPOINT_URL": aws,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    return stack_env.client(given, service)


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname in {"localhost", HOST, "::1"}


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
