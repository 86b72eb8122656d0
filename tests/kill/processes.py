"""Functions run side by side in processes of their own; one of them may be killed or frozen."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn

from tests.kill.failpoints import Point
from tests.kill.worker import Done, Frozen, How, Invocation, Job, start

HUNG_S = 120
TIMED_OUT = (b'{"errorType": "Sandbox.Timedout"}', "Unhandled")


@dataclass(frozen=True, order=True)
class Place:
    """A point of the nth invocation of a function."""

    function: str
    nth: int
    point: Point

    def __str__(self) -> str:
        return f"{self.function}{'' if self.nth == 1 else self.nth}: {self.point}"


@dataclass(frozen=True)
class Ending:
    """How a process ended; `failed` says what Lambda would: that it was killed, took too long or raised."""

    job: Job
    result: Any = None
    failed: str = ""


@dataclass
class _Process:
    job: Job
    nth: int
    connection: Connection
    caller: Connection | None = None


class Processes:
    """Runs jobs; the first process that gets to `place` is killed or frozen there."""

    def __init__(self, zygote: str) -> None:
        self._zygote = zygote
        self._frozen: dict[int, _Process] = {}
        self._waiting: list[_Process] = []  # for what the frozen process is to answer
        self.interrupt()

    def interrupt(self, place: Place | None = None, how: How = "kill") -> None:
        """Kill or freeze the process that gets to a place, as counted from now on."""
        self._place, self._how = place, how
        self.struck = False
        self.passed: list[Place] = []
        self._started: Counter[str] = Counter()

    def run(self, *jobs: Job) -> Sequence[Ending]:
        """Run jobs at the same time until each has ended or is frozen."""
        return self._attend([self._start(job) for job in jobs])

    def time_out(self) -> None:
        """Tell those who wait for the frozen process that it took too long, and let them come to their ends."""
        waiting, self._waiting = self._waiting, []
        for process in self._frozen.values():
            if process.caller:
                process.caller.send(TIMED_OUT)
                process.caller = None
        self._attend(waiting)

    def thaw(self) -> None:
        """Wake the frozen process and let it come to its end, with those who still wait for it."""
        woken, self._frozen = self._frozen, {}
        waiting, self._waiting = self._waiting, []
        for pid in woken:
            os.kill(pid, signal.SIGCONT)
        self._attend([*woken.values(), *waiting])

    def _start(self, job: Job, caller: Connection | None = None) -> _Process:
        self._started[job.function] += 1
        nth = self._started[job.function]
        if self._place and not self.struck and (job.function, nth) == (self._place.function, self._place.nth):
            job = replace(job, at=self._place.point, how=self._how)
        return _Process(job, nth, start(self._zygote, job), caller)

    def _attend(self, processes: Sequence[_Process]) -> Sequence[Ending]:
        endings = []
        running = {process.connection: process for process in processes}
        while running:
            for connection in wait(list(running), HUNG_S) or _hung(running.values()):
                assert isinstance(connection, Connection)
                process, said = running[connection], _hear(connection)
                if isinstance(said, Invocation):
                    called = self._start(Job("predict", json.loads(said.payload), seed=process.job.seed), connection)
                    running[called.connection] = called
                    continue
                del running[connection]
                ending = self._ending(process, said)
                if process.caller is None:
                    endings.append(ending)
                elif isinstance(said, Frozen):
                    self._waiting.append(running.pop(process.caller))
                else:
                    process.caller.send((json.dumps(ending.result).encode(), ending.failed))
        return endings

    def _ending(self, process: _Process, said: Done | Frozen | None) -> Ending:
        if isinstance(said, Done):
            process.connection.close()
            self.passed += [Place(process.job.function, process.nth, point) for point in said.passed]
            return Ending(process.job, said.result, said.error)
        self.struck = True
        if said is None:
            return Ending(process.job, failed="Runtime.ExitError: signal: killed")
        self._frozen[said.pid] = process
        while Path(f"/proc/{said.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            pass  # it says so a moment before it stops
        return Ending(process.job, failed="Sandbox.Timedout")


def _hung(processes: Iterable[_Process]) -> NoReturn:
    raise TimeoutError(f"no word from {[process.job for process in processes]}")


def _hear(connection: Connection) -> Any:
    """Return what a process says; None when it is dead."""
    try:
        return connection.recv()
    except (EOFError, ConnectionResetError):
        return None
