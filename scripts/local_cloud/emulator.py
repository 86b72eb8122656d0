"""MiniStack, an AWS emulator, in an environment of its own so that it cannot hide a wheel missing in a layer."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from local_cloud import processes
from local_cloud.config import CREDENTIALS, HOST, REGION, ROOT, LocalCloudError, Place

ENVIRONMENT = ROOT / ".venv-emulator"
PROGRAM = Path(__file__).with_name("ministack_main.py")
HEALTH = "/_ministack/health"


def prepare() -> None:
    """Create the emulator's environment from the same lock as everything else."""
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [uv, "sync", "--quiet", "--frozen", "--only-group", "emulator", "--python", sys.executable],
        cwd=ROOT,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalCloudError(f"The emulator's environment could not be made: {done.stderr.strip()}")


def start(place: Place) -> processes.Server:
    """Start the emulator with the state it had when it was stopped, and wait until it answers."""
    folder = place.folder / "emulator"
    _refuse_moved_state(folder, place.ports.emulator)
    tidy(place)
    for name in ("tmp", "state", "s3"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    kept = "1" if place.durable else "0"
    server = processes.start(
        "emulator",
        [ENVIRONMENT / "bin" / "python", "-P", PROGRAM],
        place,
        # Nothing of the caller's environment: the functions inherit it, as they would inherit a PYTHONPATH.
        env={
            "PATH": os.defpath,
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "GATEWAY_PORT": str(place.ports.emulator),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": kept,
            "STATE_DIR": str(folder / "state"),
            "S3_PERSIST": kept,
            "S3_DATA_DIR": str(folder / "s3"),
            "SFTP_ENABLED": "0",
            "AUTH": "true",  # signatures and the rights of each function's role count; CREDENTIALS are the root's
            **CREDENTIALS,
        },
        # Nobody keeps what it would save, and it waits long for connections that are open.
        stop_signal=signal.SIGTERM if place.durable else signal.SIGKILL,
    )
    server.wait_until(lambda: processes.answers(place.aws_endpoint + HEALTH))
    (folder / "port").write_text(str(place.ports.emulator))
    return server


def tidy(place: Place) -> None:
    """Remove the layers that workers unpacked; they unpack them again."""
    shutil.rmtree(place.folder / "emulator" / "tmp", ignore_errors=True)


def _refuse_moved_state(folder: Path, port: int) -> None:
    """Queue URLs in the kept state name the port."""
    before = folder / "port"
    if before.exists() and int(before.read_text()) != port:
        raise LocalCloudError(
            f"The kept data belong to port {before.read_text()} of the emulator: "
            f"use `make up EMULATOR_PORT={before.read_text()}`, or forget them with `make down PURGE=1`"
        )
