"""Start servers in sessions of their own, so that Ctrl-C reaches only the command that stops them in order."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_cloud.config import LocalCloudError, Place

MARK = "TABSERVE_STATE"  # in the environment of every process of a state folder
STARTUP_SECONDS = 60.0
STOP_SECONDS = 20.0
KILL_SECONDS = 10.0
ANSWER_SECONDS = 30.0  # the first call of the API starts its function


@dataclass
class Server:
    """A running child process; its output is in a log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM

    def wait(self) -> int:
        """Wait for the end of a process that ends by itself; return its exit code."""
        return self.process.wait()

    def log_tail(self) -> str:
        """Return where the log is and how it ends."""
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
        return f"the end of {self.log}:\n{tail}"

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for the server to answer; raise LocalCloudError with the end of its log when it does not."""
        deadline = time.monotonic() + STARTUP_SECONDS
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise LocalCloudError(f"{self.name} did not start; {self.log_tail()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask the server to end, then insist; its workers end with it."""
        self.process.send_signal(self.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        _kill_session(self.process.pid)
        self.process.wait()


def start(
    name: str,
    command: Sequence[str | Path],
    place: Place,
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    user: int | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    inherited: Sequence[int] = (),
) -> Server:
    """Start a server, as another user when its id is given; `inherited` file descriptors stay open in it."""
    place.logs.mkdir(parents=True, exist_ok=True)
    log = place.logs / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**env, MARK: str(place.folder)},
            cwd=cwd,
            pass_fds=inherited,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    return Server(name, process, log, stop_signal)


def answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """Whether a URL answers 200."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=dict(headers or {})), timeout=ANSWER_SECONDS
        ) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def stop_leftovers(folder: Path) -> bool:
    """Stop the servers of a state folder whose command was killed, and all they started; return whether any ran."""
    if not (left := of_folder(folder)):
        return False
    leaders = [process for process in left if _leads_session(process)]
    for process in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(leaders, STOP_SECONDS)
    for process in leaders:
        _kill_session(process.pid)
    deadline = time.monotonic() + KILL_SECONDS
    while (left := of_folder(folder)) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, 0.1)
    return True


def of_folder(folder: Path) -> list[psutil.Process]:
    """Return the processes, of any generation, that carry the mark of a state folder."""
    mark = str(folder.absolute())
    return [each for each in psutil.process_iter(["environ"]) if (each.info["environ"] or {}).get(MARK) == mark]


def _leads_session(process: psutil.Process) -> bool:
    with contextlib.suppress(ProcessLookupError):
        return os.getsid(process.pid) == process.pid
    return False


def _kill_session(leader: int) -> None:
    """Kill what is left of the process group that a session began with, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    deadline = time.monotonic() + KILL_SECONDS
    while any(_in_group(process, leader) for process in psutil.process_iter()) and time.monotonic() < deadline:
        time.sleep(0.02)


def _in_group(process: psutil.Process, leader: int) -> bool:
    with contextlib.suppress(OSError, psutil.Error):
        return os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE
    return False
