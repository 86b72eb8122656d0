"""Count every request by route, status and time taken, for `GET /metrics`."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tabserve.application.ports import MetricStore
from tabserve.domain.metrics import Meter
from tabserve.errors import UnavailableError


class Metering:
    """Time requests; add this instance's counts to everybody's every ten seconds, with the request that is due."""

    def __init__(self, app: ASGIApp, meter: Meter, counter: MetricStore) -> None:
        self._app = app
        self._meter = meter
        self._counter = counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            # Paths nobody serves are one label: a scan of addresses must not fill the database.
            route = getattr(scope.get("route"), "path", "other")
            self._meter.observe(route, status, time.perf_counter() - started)
            flush(self._meter, self._counter)


def flush(meter: Meter, counter: MetricStore) -> None:
    """Add what is due; keep it for next time while the database is away."""
    if counts := meter.take(time.monotonic()):
        try:
            counter.add_requests(counts)
        except UnavailableError:
            meter.put_back(counts)
