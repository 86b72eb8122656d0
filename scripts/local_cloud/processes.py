"""Start servers in sessions of their own, so that Ctrl-C reaches only the command that stops them in order."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud.config import LocalCloudError, Place

MARK = "TABSERVE_STATE"  # in the environment of every process of a state folder
STARTUP_SECONDS = 60.0
KILL_SECONDS = 10.0


@dataclass
class Server:
    """A running child process; its output is in a log file, its id in a file for `make down`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    pid_file: Path
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = field(default=20.0, repr=False)

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
        stop_group(self.process.pid, self.stop_signal, self.patience, self.process)
        self.pid_file.unlink(missing_ok=True)


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
    log, pid_file = place.logs / f"{name}.log", place.folder / f"{name}.pid"
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
    pid_file.write_text(str(process.pid))
    return Server(name, process, log, pid_file, stop_signal)


def stop_leftovers(folder: Path) -> list[str]:
    """Stop servers whose command was killed, and what they started; return their names."""
    stopped = []
    for pid_file in folder.glob("*.pid"):
        pid = int(pid_file.read_text() or 0)
        if _is_ours(pid, folder):
            stop_group(pid, signal.SIGTERM, 20.0)
            stopped.append(pid_file.stem)
        pid_file.unlink(missing_ok=True)
    return stopped + _kill_marked(folder)


def _kill_marked(folder: Path) -> list[str]:
    """Kill what carries the mark of the state folder: its command may have died before it noted the process id."""
    killed: list[str] = []
    deadline = time.monotonic() + KILL_SECONDS
    while (marked := _marked(folder)) and time.monotonic() < deadline:
        for pid in marked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed += [str(pid) for pid in marked if str(pid) not in killed]
        time.sleep(0.05)
    return killed


def _marked(folder: Path) -> list[int]:
    """Return the processes of a state folder; none where the system has no /proc."""
    pids = (int(process.name) for process in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if pid != os.getpid() and _carries_mark(pid, folder)]


def stop_group(
    pid: int, stop_signal: signal.Signals, patience: float, process: subprocess.Popen[bytes] | None = None
) -> None:
    """Signal the leader of a session, wait for it, then kill what is left of the session."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, stop_signal)
    deadline = time.monotonic() + patience
    while _alive(pid, process) and time.monotonic() < deadline:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if process is not None:
        process.wait()


def _alive(pid: int, process: subprocess.Popen[bytes] | None) -> bool:
    if process is not None:
        return process.poll() is None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_ours(pid: int, folder: Path) -> bool:
    """Whether the process still is the one that was started; ids are reused."""
    if Path("/proc").is_dir():
        return _carries_mark(pid, folder)
    return _alive(pid, None)


def _carries_mark(pid: int, folder: Path) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={folder.absolute()}".encode() in environment.split(b"\0")
