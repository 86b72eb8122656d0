"""What every request passes on its way in and out: the key, the body's limit, the security headers, the meter."""

import asyncio
import hmac
import math
import time
from bisect import bisect_left
from collections.abc import MutableMapping, Sequence
from threading import Lock
from typing import Any

from aws_lambda_powertools import Logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.predict.problems import problem
from tabserve.serving.metrics import LATENCY_BUCKETS, RequestCount
from tabserve.serving.ports import PredictionStore

MAX_BODY_BYTES = 4_500_000
OPEN_PATHS = frozenset({"/health", "/docs", "/openapi.json"})
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
)
TOO_LARGE = (
    f"The body is larger than {MAX_BODY_BYTES} bytes, the most that is allowed. Send fewer records at once, or "
    "put them as a CSV into the raw bucket: they are predicted within minutes."
)


class Meter:
    """Counts this instance's requests by route, status and time taken, and adds them to the store every ten seconds.

    The request that is due does so; there is no thread for it.
    """

    def __init__(self, store: PredictionStore, log: Logger) -> None:
        self._store = store
        self._log = log
        self._counts: dict[tuple[str, int, float], tuple[int, float]] = {}
        self._lock = Lock()
        self.every_seconds = 10.0
        self.last = -math.inf

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        bucket = LATENCY_BUCKETS[bisect_left(LATENCY_BUCKETS, seconds)]
        self._add([RequestCount(route, status, bucket, 1, seconds)])

    def is_due(self, now: float) -> bool:
        """Tell whether it is time to store what was counted."""
        return now - self.last >= self.every_seconds and bool(self._counts)

    def flush(self, now: float) -> None:
        """Store what was counted if it is due; keep it for next time when that fails: the answer itself is right."""
        with self._lock:
            if not self.is_due(now):
                return
            self.last = now
            taken, self._counts = self._counts, {}
        # In one order everywhere: two instances that add the same counts cannot lock each other out.
        counts = sorted(RequestCount(*key, *value) for key, value in taken.items())
        try:
            self._store.add_requests(counts)
        except Exception:  # noqa: BLE001  whatever it is, the request was answered
            self._log.exception("requests not counted yet")
            self._add(counts)

    def _add(self, counts: Sequence[RequestCount]) -> None:
        with self._lock:
            for count in counts:
                key = (count.route, count.status, count.bucket)
                requests, seconds = self._counts.get(key, (0, 0.0))
                self._counts[key] = (requests + count.requests, seconds + count.seconds)


class Gate:
    """Refuse requests without the key or with too large a body before parsing any of it; count every request.

    The scheduled function invokes this one without the gateway and needs no key.
    """

    def __init__(self, app: ASGIApp, api_key: str, meter: Meter) -> None:
        self._app = app
        self._api_key = api_key.encode()
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        try:
            await self._serve(scope, receive, send_with_headers)
        finally:
            # Paths nobody serves are one label: a scan of addresses must not fill the database.
            route = getattr(scope.get("route"), "path", "other")
            self._meter.observe(route, status, time.perf_counter() - started)
            if self._meter.is_due(time.monotonic()):
                await asyncio.to_thread(self._meter.flush, time.monotonic())

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not (invoked_by_scheduler(scope) or self._may_pass(scope)):
            detail = "The header x-api-key is missing or wrong."
            await problem(403, "forbidden", detail)(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            await problem(413, "body-too-large", TOO_LARGE)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _may_pass(self, scope: Scope) -> bool:
        key = dict(scope["headers"]).get(b"x-api-key", b"")
        return scope["path"] in OPEN_PATHS or hmac.compare_digest(key, self._api_key)


def invoked_by_scheduler(scope: MutableMapping[str, Any]) -> bool:
    """Tell whether the scheduled function sent the request; whoever goes through the gateway cannot say so (ADR 14)."""
    return bool(scope.get("aws.event", {}).get("invoked_by") == "scheduler")


async def _body(receive: Receive) -> bytes | None:
    """Collect the body; return None as soon as it is known to be too large."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
