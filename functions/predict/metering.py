"""Count every request by route, status and time taken, for `GET /metrics`."""

import asyncio
import time
from collections.abc import Sequence

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tabserve.serving.metrics import Meter, RequestCount
from tabserve.serving.ports import PredictionStore


class Metering:
    """Time requests; add this instance's counts to everybody's every ten seconds, with the request that is due."""

    def __init__(self, app: ASGIApp, meter: Meter, counter: PredictionStore, log: Logger) -> None:
        self._app = app
        self._meter = meter
        self._counter = counter
        self._log = log

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
            if counts := self._meter.take(time.monotonic()):
                await asyncio.to_thread(_store, counts, self._meter, self._counter, self._log)


def flush(meter: Meter, counter: PredictionStore, log: Logger) -> None:
    """Add what is due; keep it for next time when that fails, for the answer itself is right."""
    if counts := meter.take(time.monotonic()):
        _store(counts, meter, counter, log)


def _store(counts: Sequence[RequestCount], meter: Meter, counter: PredictionStore, log: Logger) -> None:
    try:
        counter.add_requests(counts)
    except Exception:
        log.exception("requests not counted yet")
        meter.put_back(counts)


def count(emf: Metrics, predicted: int, refused: int) -> None:
    """Count a call's records in CloudWatch."""
    emf.add_metric("Predictions", MetricUnit.Count, predicted)
    emf.add_metric("RefusedRecords", MetricUnit.Count, refused)
    emf.flush_metrics()
