"""While one call waits for something slow, others are answered."""

import asyncio
from collections.abc import Iterator
from operator import attrgetter
from threading import Event
from typing import Any

import httpx
import pytest

from tests.coroutines import run
from tests.factories import API_KEY, ingestion

GOOD: dict[str, Any] = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
TRUTH = {"use_case": "titanic", "records": [{"actual": 1, "entity_id": "1"}]}
FILE_ID = "f" * 64


class Slow:
    """A method that was called and does not return before it may."""

    def __init__(self) -> None:
        self.called, self.may_end = Event(), Event()
        self.held_up_others = False

    def replace(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        method = getattr(type(owner), name)

        def slowly(*arguments: Any) -> Any:
            self.called.set()
            self.held_up_others |= not self.may_end.wait(20)
            return method(*arguments)

        monkeypatch.setattr(type(owner), name, slowly)


@pytest.fixture
def slow() -> Iterator[Slow]:
    one = Slow()
    yield one
    one.may_end.set()


CALLS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "predict": ("deps.predictions", "add", "POST /predict", {"json": GOOD}),
    "predict a stored entity": ("deps.features", "get", "POST /predict", {"json": {"entity_id": "7"}}),
    "predict with a model to be read": ("deps.models", "champion", "POST /predict", {"json": GOOD}),
    "predict once": (
        "deps.predictions",
        "add_once",
        "POST /predict",
        {"json": GOOD, "headers": {"idempotency-key": "k"}},
    ),
    "past predictions": ("deps.predictions", "past", "GET /past-predictions", {}),
    "health": ("deps.predictions", "reachable", "GET /health", {}),
    "ground truth": ("deps.predictions", "record_ground_truth", "POST /ground-truth", {"json": TRUTH}),
    "metrics": ("deps.predictions", "families", "GET /metrics", {}),
    "count requests": ("counter", "add_requests", "GET /nothing", {}),
    "model": ("deps.models", "cards", "GET /model", {}),
    "reload": ("deps.models", "reload", "POST /reload-model", {}),
    "features": ("deps.features", "get", "GET /features/titanic/7", {}),
    "raw file": (
        "deps.raw_links",
        "to_put",
        "POST /raw-files",
        {"json": {"use_case": "titanic", "name": "a.csv", "size": 9}},
    ),
    "report": ("deps.artifact_links", "to_get", f"GET /reports/{FILE_ID}", {}),
    "bad rows": ("deps.bad_links", "to_get", f"GET /bad-rows/{FILE_ID}", {}),
    "raw file again": ("deps.raw_links", "to_get", f"GET /raw-files/{FILE_ID}", {}),
    "explain": ("references", "get", "POST /explain", {"json": {"use_case": "titanic", "record": GOOD}}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_slow_call_holds_up_no_other(
    app_module: Any,
    ingestions: Any,
    references: Any,
    slow: Slow,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    ingestions.files[FILE_ID] = ingestion(FILE_ID, report_key="reports/a.html")
    owner, method, route, arguments = CALLS[name]
    fakes = {"references": references, "counter": app_module.service.deps.predictions}
    slow.replace(monkeypatch, fakes.get(owner) or attrgetter(owner)(app_module.app.state.service), method)
    app_module.app.state.meter.last = 0 if owner == "counter" else float("inf")  # due, or never

    async def calls() -> tuple[httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(app_module.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://api", headers={"x-api-key": API_KEY}
        ) as client:
            first = asyncio.create_task(client.request(*route.split(), **arguments))
            await asyncio.to_thread(slow.called.wait, 10)
            meanwhile = await client.get("/use-cases")
            slow.may_end.set()
            return await first, meanwhile

    first, meanwhile = run(calls())
    assert slow.called.is_set()
    assert not slow.held_up_others
    assert meanwhile.status_code == 200
    assert first.status_code != 500
