"""Ask the prediction function, with a real database behind it, and look at what it answers and keeps."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg2

from tabserve.core.connection import role_name
from tabserve.core.database import Database
from tabserve.core.tables import metadata
from tabserve.ingestion.store import Ingestions
from tabserve.serving.group_commit import GroupCommit
from tabserve.serving.store import prediction_store
from tests.api_cases import Case

COUNT = f"SELECT {', '.join(f'(SELECT count(*) FROM {table})' for table in metadata.tables)}"
PROBLEM = {"type", "title", "status", "detail"}


@dataclass
class Findings:
    """What was answered, and what should not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def with_database(service: Any, url: str) -> Any:
    """Return the parts of the function with this database in place of the fake one."""
    store = prediction_store(url, role=role_name("predict"))
    find = Ingestions(Database(url, role=role_name("predict"))).find
    deps = replace(service.deps, predictions=store, writer=GroupCommit(store), find_file=find)
    return replace(service, deps=deps)


def run(app: Any, cases: Iterable[Case], url: str) -> Findings:
    """Send every case and judge its answer."""
    found = Findings()
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor, asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        before = _counts(cursor)
        for case in cases:
            status, headers, body = runner.run(_answer(app, case))
            after = _counts(cursor)
            found.statuses[status] += 1
            found.answered[case.path] += status < 300
            if wrong := _wrong(case, status, headers, body, before == after):
                found.wrong.append(f"{wrong}: {_shown(case)} -> {status} {body[:200]!r}")
            before = after
    connection.close()
    return found


async def _answer(app: Any, case: Case) -> tuple[int, dict[bytes, bytes], bytes]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": case.method,
        "path": case.path,
        "raw_path": case.path.encode(),
        "root_path": "",
        "query_string": case.query,
        "headers": list(case.headers),
        "server": ("test", 80),
        "client": ("test", 1),
    }
    asked = [{"type": "http.request", "body": case.body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return asked.pop() if asked else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001  what the server would have to answer for
        return 500, {}, repr(error).encode()
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def _counts(cursor: Any) -> tuple[int, ...]:
    cursor.execute(COUNT)
    counts: tuple[int, ...] = cursor.fetchone()
    return counts


def _wrong(case: Case, status: int, headers: dict[bytes, bytes], body: bytes, unchanged: bool) -> str:
    if status >= 500:
        return "server error"
    if status != 200 and not unchanged:
        return "stored something"
    if status >= 400 and case.method != "HEAD" and not _is_problem(status, headers, body):
        return "no problem body"
    return ""


def _is_problem(status: int, headers: dict[bytes, bytes], body: bytes) -> bool:
    if headers.get(b"content-type") != b"application/problem+json":
        return False
    content = json.loads(body)
    return bool(content.keys() >= PROBLEM and content["status"] == status)


def _shown(case: Case) -> str:
    headers = [pair for pair in case.headers if pair[0] != b"x-api-key"]
    return f"{case.method} {case.path[:80]!r} {case.query[:120]!r} {headers!r:.200} {case.body[:300]!r} {case.damage}"
