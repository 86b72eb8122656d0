"""Bring the database of DATABASE_URL to the newest schema, and give functions and dashboards the roles they need."""

import argparse
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, make_url, text

import database_roles
from tabserve.core import database
from tabserve.core.errors import SettingsError
from tabserve.core.settings import read_settings

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
READER = "tabserve_reader"
READER_TIMEOUT = "10s"
LOCK = 7_201_846


def main() -> int:
    """Migrate; with a password let in the role of the functions, or of the dashboards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", help="instead of the setting DATABASE_URL")
    parser.add_argument(
        "--reader-password", help=f"let the role {READER} read all tables with this password (PostgreSQL)"
    )
    parser.add_argument(
        "--app-password", help=f"let the functions log in as {database_roles.LOGIN} with this password (PostgreSQL)"
    )
    parser.add_argument(
        "--app-connections",
        type=int,
        metavar="N",
        help=f"let {database_roles.LOGIN} hold at most N connections at once, -1 any number (PostgreSQL)",
    )
    arguments = parser.parse_args()
    try:
        url = arguments.database_url or _url_from_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    migrate(url, arguments.reader_password, arguments.app_password, arguments.app_connections)
    print(f"{make_url(url).render_as_string(hide_password=True)} is at revision {revision(url)}")
    return 0


def migrate(
    url: str,
    reader_password: str | None = None,
    app_password: str | None = None,
    app_connections: int | None = None,
) -> None:
    """Upgrade to the newest revision; safe to repeat, and to start twice at once on PostgreSQL."""
    engine = database.create(url)
    try:
        with engine.begin() as connection:
            _wait_for_other_migrations(connection)
            command.upgrade(config(connection), "head")
            if connection.dialect.name == "postgresql":
                database_roles.grant(connection)
                if app_password is not None:
                    database_roles.set_password(connection, database_roles.LOGIN, app_password)
                if app_connections is not None:
                    database_roles.limit_connections(connection, database_roles.LOGIN, app_connections)
        if reader_password is not None:
            _let_reader_in(engine, reader_password)
    finally:
        engine.dispose()


def revision(url: str) -> str | None:
    """Return the schema revision a database is at."""
    engine = database.create(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def config(connection: Connection) -> Config:
    """Return Alembic's configuration for an open connection."""
    configuration = Config(attributes={"connection": connection})
    configuration.set_main_option("script_location", str(MIGRATIONS))
    return configuration


def _url_from_settings() -> str:
    settings = read_settings()
    settings.require("database_url")
    return settings.database_url


def _wait_for_other_migrations(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def _let_reader_in(engine: Engine, password: str) -> None:
    if engine.dialect.name != "postgresql":
        return
    with engine.begin() as connection:
        _wait_for_other_migrations(connection)
        database = connection.scalar(text("SELECT quote_ident(current_database())"))
        if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": READER}):
            connection.execute(text(f"CREATE ROLE {READER} NOSUPERUSER NOCREATEDB NOCREATEROLE"))
        database_roles.set_password(connection, READER, password)
        for statement in (
            f"ALTER ROLE {READER} SET default_transaction_read_only = on",
            f"ALTER ROLE {READER} SET statement_timeout = '{READER_TIMEOUT}'",
            f"GRANT CONNECT ON DATABASE {database} TO {READER}",
            f"GRANT USAGE ON SCHEMA public TO {READER}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {READER}",
        ):
            connection.exec_driver_sql(statement.replace("%", "%%"))


if __name__ == "__main__":
    sys.exit(main())
