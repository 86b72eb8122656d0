"""One invocation of one function in a process of its own.

The process has a connection to the test, over which it gets its job and tells what becomes of it. A process that is
killed tells nothing: the test sees the connection end.
"""

import asyncio
import io
import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from multiprocessing.connection import Client, Connection
from threading import RLock
from typing import Any, Literal

from tests.factories import lambda_context
from tests.kill.failpoints import Failpoints, Point

JITTER_S = 0.003
How = Literal["kill", "freeze"]
wait_for = time.sleep


@dataclass(frozen=True)
class Job:
    """What a process is to do, and where it is to end or freeze."""

    function: str
    event: Mapping[str, Any]
    at: Point | None = None
    how: How = "kill"
    seed: int = 0
    later: timedelta = timedelta()


@dataclass(frozen=True)
class Done:
    """A process's last words: what its handler returned or raised, and the points it passed."""

    result: Any
    error: str
    passed: tuple[Point, ...]


@dataclass(frozen=True)
class Frozen:
    """Said by a process that stops itself: it goes on when the test wakes it."""

    pid: int
    point: Point


@dataclass(frozen=True)
class Invocation:
    """Another function's event; the process waits for that function's answer and how it failed, if it did."""

    payload: bytes


class Clock:
    """The clock of all functions; a job may come later than it really does."""

    later = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.later


class Process:
    """The forked side of one job."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._lock = RLock()
        self._job: Job = connection.recv()
        clock.later = self._job.later
        self._passed: list[Point] = []
        self._random = random.Random(self._job.seed)

    def run(self, webhook_port: int) -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())  # the zygote's would be shared with all its children
        Failpoints(self._passing).watch(self._invoke, webhook_port)
        app = import_module(f"functions.{self._job.function}.app")
        try:
            result, error = app.handler(self._job.event, lambda_context(900, f"process-{os.getpid()}")), ""
        except Exception as raised:  # noqa: BLE001  Lambda reports whatever a handler raises
            result, error = None, f"{type(raised).__name__}: {raised}"
        sys.stdout.flush()
        with self._lock:
            self._connection.send(Done(result, error, tuple(self._passed)))

    def _passing(self, point: Point) -> None:
        wait_for(self._random.uniform(0, JITTER_S))
        with self._lock:
            self._passed.append(point)
            if point == self._job.at:
                if self._job.how == "freeze":
                    self._connection.send(Frozen(os.getpid(), point))
                os.kill(os.getpid(), signal.SIGSTOP if self._job.how == "freeze" else signal.SIGKILL)

    def _invoke(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        from botocore.response import StreamingBody

        with self._lock:
            self._connection.send(Invocation(arguments["Payload"]))
            payload, error = self._connection.recv()
        answer = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(payload), len(payload))}
        return answer | ({"FunctionError": error} if error else {})


def start(zygote: str, job: Job) -> Connection:
    """Have the zygote fork a process for a job; return the connection to it."""
    connection = Client(zygote)
    connection.send(job)
    return connection
