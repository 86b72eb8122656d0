"""A LocalStack and a database that somebody else runs: where they are, and whether they can take the stack."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg2
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

import database_roles
from local_cloud import localstack, ownership
from local_cloud.config import HOST, LocalCloudError, Place

CONNECT_SECONDS = 10


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
        said = os.environ.get("FUNCTIONS_AWS_ENDPOINT_URL", "").rstrip("/")
        functions_aws = said or localstack.endpoint_in_containers(aws)
        for name, url in (("AWS_ENDPOINT_URL", aws), ("FUNCTIONS_AWS_ENDPOINT_URL", functions_aws)):
            if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
                raise LocalCloudError(f"{name} is {url!r}; it must be http://HOST:PORT, such as http://localhost:4566.")
        there = os.environ.get("FUNCTIONS_DATABASE_HOST", "")
        return cls(aws, os.environ.get("DATABASE_URL", ""), functions_aws, there)._with_database()

    def check(self, place: Place) -> None:
        """Raise LocalCloudError unless a LocalStack answers that can take this folder's stack, and its database."""
        localstack.check(self.aws)
        ownership.refuse_foreign_stack(self.aws, place)
        if self.database_url:
            check_database(self.database_url, place)

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


def check_database(url: str, place: Place) -> None:
    """Raise LocalCloudError unless the database answers and no other stack has made its roles."""
    where = make_url(url).render_as_string(hide_password=True)
    try:
        with contextlib.closing(_connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)")
            may_create = cursor.fetchone() is not None
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [database_roles.LOGIN])
            exists = cursor.fetchone() is not None
    except psycopg2.OperationalError as error:
        raise LocalCloudError(
            f"The database {where} (DATABASE_URL) does not answer: {str(error).strip().splitlines()[0]}"
        ) from None
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
    return psycopg2.connect(plain, connect_timeout=CONNECT_SECONDS)


def _execute(url: str, statement: str) -> None:
    with contextlib.closing(_connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname in {"localhost", HOST, "::1"}
