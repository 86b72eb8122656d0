"""Failpoints set from outside: every side effect of a process is a point before it and a point after it.

The code under test knows nothing of this. botocore, psycopg2 and http.client are watched in the process that is to
die; what only reads is no side effect. Effects are counted by name, so that the points of a process are the same in
each run whatever order its threads work in.
"""

import http.client
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import psycopg2
from botocore.client import BaseClient
from psycopg2.extensions import connection, cursor

READS = ("Get", "Head", "List", "BatchGet", "Query", "Scan", "Receive", "Describe")
TARGETS = ("Bucket", "TableName", "QueueUrl", "TopicArn", "FunctionName")
WRITES = re.compile(r"(INSERT INTO|(?<!FOR )UPDATE|DELETE FROM|COPY)\s+(\w+)")
# Nobody waits a minute for the locks of a frozen process: what the code asks for happens sooner.
IDLE, IDLE_MS = re.compile(r"(idle_in_transaction_session_timeout=)\d+"), 1_000
Phase = Literal["before", "after"]
Invoke = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, order=True)
class Point:
    """A place in the life of a process: before or after the nth effect of a name."""

    effect: str
    nth: int
    phase: Phase

    def __str__(self) -> str:
        return f"{self.phase} {self.effect}" + (f" ({self.nth})" if self.nth > 1 else "")


class Failpoints:
    """Counts effects and tells `passing` of every point on the way."""

    def __init__(self, passing: Callable[[Point], None]) -> None:
        self._passing = passing
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def effect(self, name: str) -> Iterator[None]:
        """Do an effect between its two points; one that fails has no point after it."""
        with self._lock:
            self._counts[name] += 1
            nth = self._counts[name]
        self._passing(Point(name, nth, "before"))
        yield
        self._passing(Point(name, nth, "after"))

    def watch(self, invoke: Invoke, webhook_port: int) -> None:
        """Count the effects of this process from now on; `invoke` answers calls of other functions."""
        _watch_aws(self, invoke)
        _watch_postgres(self)
        _watch_webhook(self, webhook_port)


def _watch_aws(points: Failpoints, invoke: Invoke) -> None:
    client_class: Any = BaseClient
    call = client_class._make_api_call

    def watched(client: BaseClient, operation: str, arguments: Mapping[str, Any]) -> Any:
        if operation.startswith(READS):
            return call(client, operation, arguments)
        first = arguments["TransactItems"][0]["Put"] if "TransactItems" in arguments else arguments
        target = next(str(first[name]) for name in TARGETS if name in first)
        with points.effect(f"{operation} {re.split('[/:-]', target)[-1]}"):
            return invoke(arguments) if operation == "Invoke" else call(client, operation, arguments)

    client_class._make_api_call = watched


def _watch_postgres(points: Failpoints) -> None:
    driver: Any = psycopg2
    connect = driver.connect

    def watched(*arguments: Any, **options: Any) -> Any:
        options["options"] = IDLE.sub(rf"\g<1>{IDLE_MS}", options["options"])
        opened = connect(*arguments, **options, connection_factory=_Connection, cursor_factory=_Cursor)
        opened.points = points
        return opened

    driver.connect = watched


class _Connection(connection):
    points: Failpoints
    wrote = ""  # what the transaction wrote first

    def commit(self) -> None:
        name, self.wrote = self.wrote, ""
        with self.points.effect(f"COMMIT of {name}") if name else nullcontext():
            super().commit()

    def rollback(self) -> None:
        self.wrote = ""
        super().rollback()


class _Cursor(cursor):
    """A write is an effect in autocommit, and so is the first one of a transaction, which takes locks."""

    connection: _Connection

    def execute(self, query: Any, *arguments: Any) -> None:
        with self._effect(query):
            super().execute(query, *arguments)

    def executemany(self, query: Any, *arguments: Any) -> None:
        with self._effect(query):
            super().executemany(query, *arguments)

    def copy_expert(self, sql: Any, *arguments: Any, **options: Any) -> None:
        with self._effect(sql):
            super().copy_expert(sql, *arguments, **options)

    def _effect(self, query: str | bytes) -> AbstractContextManager[None]:
        found = WRITES.search(query.decode() if isinstance(query, bytes) else query)
        if found is None or self.connection.wrote:
            return nullcontext()
        name = " ".join(found.groups())
        if not self.connection.autocommit:
            self.connection.wrote = name
        return self.connection.points.effect(name)


def _watch_webhook(points: Failpoints, port: int) -> None:
    send, receive = http.client.HTTPConnection.endheaders, http.client.HTTPConnection.getresponse
    open_effects: dict[int, Any] = {}

    def endheaders(self: http.client.HTTPConnection, *arguments: Any, **options: Any) -> None:
        if self.port == port:
            open_effects[id(self)] = points.effect("POST webhook")
            open_effects[id(self)].__enter__()
        send(self, *arguments, **options)

    def getresponse(self: http.client.HTTPConnection) -> http.client.HTTPResponse:
        response = receive(self)
        if effect := open_effects.pop(id(self), None):
            effect.__exit__(None, None, None)
        return response

    http.client.HTTPConnection.endheaders = endheaders  # type: ignore[method-assign]
    http.client.HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]
