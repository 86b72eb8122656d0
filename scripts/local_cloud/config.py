"""Where a local cloud keeps its state, on which ports it listens, and with which secrets."""

import contextlib
import json
import secrets
import socket
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
REGISTRY = ROOT / ".local" / "registry"  # one for all stacks of a checkout: its champions are bundled into one layer
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # every emulator's root


class LocalCloudError(Exception):
    """One sentence that says what is wrong and the way out."""


@dataclass(frozen=True)
class Ports:
    """One TCP port for each server."""

    emulator: int = 4566
    postgres: int = 5442
    ui: int = 8501

    def check(self, *names: str) -> None:
        """Raise LocalCloudError for the first port, of all or of these, that another program listens on."""
        for name, port in asdict(self).items():
            if names and name not in names:
                continue
            with socket.socket() as candidate:
                candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    candidate.bind((HOST, port))
                except OSError:
                    variable = f"{name.upper()}_PORT"
                    raise LocalCloudError(
                        f"Port {port} ({name}) is taken by another program; "
                        f"choose another one: make up {variable}={_free_port()}"
                    ) from None


def free_ports() -> Ports:
    """Return ports nobody listens on now, for a stack beside others."""
    return Ports(emulator=_free_port(), postgres=_free_port(), ui=_free_port())


def _free_port() -> int:
    """Return a port below those that the system gives to outgoing connections: none of them takes it meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return port


@dataclass(frozen=True)
class Secrets:
    """Made up once for each state folder."""

    postgres_password: str
    reader_password: str
    api_key: str
    app_password: str
    state_id: str


@dataclass(frozen=True)
class Place:
    """The state folder and what lies in it."""

    folder: Path
    ports: Ports
    durable: bool = True  # a stack for a test forgets its data and need not wait for the disk
    cloud: str = "embedded"
    stack_name: str = "tabserve"
    roles_of: Path | None = None  # the state folder whose roles in the database this stack shares

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.folder.absolute())

    @property
    def env_file(self) -> Path:
        return self.folder / "stack.env"

    @property
    def data(self) -> Path:
        """Where the database and the samples of this cloud are: no cloud sees the rows of another."""
        return self.folder if self.cloud == "embedded" else self.folder / self.cloud

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def aws_endpoint(self) -> str:
        return f"http://{HOST}:{self.ports.emulator}"

    @property
    def ui_url(self) -> str:
        return f"http://{HOST}:{self.ports.ui}"

    @property
    def database_url(self) -> str:
        """The owner's URL of the database that is started here."""
        return f"postgresql://tabserve:{self.secrets.postgres_password}@{HOST}:{self.ports.postgres}/tabserve"

    @property
    def secrets(self) -> Secrets:
        """The secrets of this folder; those of the roles may be another folder's, on whose server the database is."""
        own = _secrets(self.folder)
        if self.roles_of is None:
            return own
        theirs = _secrets(self.roles_of)
        return replace(own, app_password=theirs.app_password, reader_password=theirs.reader_password)


def _secrets(folder: Path) -> Secrets:
    """Read the secrets of a folder; make up those that are not there."""
    path = folder / "secrets.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    missing = [field.name for field in fields(Secrets) if field.name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(known))
    return Secrets(**known)
