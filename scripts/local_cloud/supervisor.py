"""One command at a time owns a state folder: it holds the lock and says how far it is."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from local_cloud.config import LocalCloudError

STOP_SECONDS = 90.0
LOOK_SECONDS = 0.5  # as long as somebody else may hold the lock only to see whether it is free


class AlreadyRunningError(LocalCloudError):
    """Another command owns the state folder; `pid` is its process, `ready` whether its stack answers."""

    def __init__(self, pid: int, ready: bool) -> None:
        self.pid = pid
        self.ready = ready
        super().__init__(f"The stack is already {'running' if ready else 'starting'} (process {pid}).")


@contextlib.contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Own a state folder for as long as the block runs; the kernel ends it with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / "lock").acquire(timeout=LOOK_SECONDS)
    except Timeout:
        raise _owner(folder) from None
    with lock:
        say(folder, ready=False)
        try:
            yield
        finally:
            (folder / "owner.json").unlink(missing_ok=True)


def say(folder: Path, *, ready: bool) -> None:
    """Let other commands know who owns the folder and whether the stack answers."""
    written = folder / "owner.json.new"
    written.write_text(json.dumps({"pid": os.getpid(), "ready": ready}))
    written.replace(folder / "owner.json")


def owner(folder: Path) -> AlreadyRunningError | None:
    """Return who owns a folder, if anybody does."""
    if not (folder / "lock").exists():
        return None
    try:
        with FileLock(folder / "lock", timeout=0):
            return None
    except Timeout:
        return _owner(folder)


def is_ready(folder: Path, pid: int) -> bool:
    """Whether the command with this process id owns the folder and its stack answers."""
    with contextlib.suppress(FileNotFoundError):
        return bool(json.loads((folder / "owner.json").read_text()) == {"pid": pid, "ready": True})
    return False


def stop(folder: Path) -> bool:
    """Ask the owner of a folder to stop everything and wait for it; return whether there was one."""
    found = owner(folder)
    if found is None:
        return False
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while owner(folder) is not None:
        if time.monotonic() > deadline:
            raise LocalCloudError(f"Process {found.pid} did not stop within {STOP_SECONDS:.0f} s; end it with kill -9.")
        time.sleep(0.1)
    return True


def interrupt_on_signals() -> None:
    """Let `make down` and a closed terminal end the command as Ctrl-C does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # a second Ctrl-C must not leave servers behind
    raise KeyboardInterrupt


def _owner(folder: Path) -> AlreadyRunningError:
    for _ in range(20):  # the owner writes its file right after it took the lock
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            found = json.loads((folder / "owner.json").read_text())
            return AlreadyRunningError(found["pid"], found["ready"])
        time.sleep(0.1)
    raise LocalCloudError(f"Another command is working in {folder}; try again in a moment.")
