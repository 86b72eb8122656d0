"""How many files somebody opens to follow one record, or one row of a raw file, to its prediction.

Counted are the files whose code runs on the way, once a function has loaded what it needs. A row's walk goes through
two functions and two areas; what every walk stands on is counted apart.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Self

import pytest
from moto import mock_aws

from local_cloud.config import ROOT
from tests.definitions import CATALOG
from tests.factories import API_KEY
from tests.rights.test_rights import DEPLOYED
from tests.rights.world import HEADER, Handler, World, request

FOLDERS = (f"{ROOT}/functions/", f"{ROOT}/layers/model/src/tabserve/")
RECORD = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
ROW = "1,1,Doe,female,38,71.28,C"


@pytest.fixture
def world(empty_postgres_url: str) -> Iterator[World]:
    """The functions with a champion."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        world = World(DEPLOYED, patch, empty_postgres_url)
        world.promote(CATALOG.get("titanic"))
        yield world


class Walk:
    """The project's files whose functions run while a handler answers an event."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self._handlers = 0
        self._unfollowed = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.setprofile(self._note)  # before any thread of a pool starts
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def of(self, handler: Handler) -> Handler:
        """Follow a handler."""

        def followed(event: object, context: object) -> Any:
            self._handlers += 1
            try:
                return handler(event, context)
            finally:
                self._handlers -= 1

        return followed

    def not_of(self, handler: Handler) -> Handler:
        """Leave out what a handler does."""

        def unfollowed(**call: object) -> Any:
            with self._lock:
                self._unfollowed += 1
            try:
                return handler(**call)
            finally:
                with self._lock:
                    self._unfollowed -= 1

        return unfollowed

    def of_second(self, first: object) -> Callable[[Handler], Handler]:
        """Follow a handler's second call, when everything is loaded."""

        def around(handler: Handler) -> Handler:
            def twice(event: object, context: object) -> Any:
                handler(first, context)
                return self.of(handler)(event, context)

            return twice

        return around

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if not code.co_filename.endswith(".py") or not code.co_name.islower():
            return  # a template, or the body of a class that is made meanwhile
        if event == "call" and self._handlers == 1 and not self._unfollowed and code.co_filename.startswith(FOLDERS):
            self.files.add(code.co_filename.removeprefix(f"{ROOT}/"))


def raw_file(world: World, name: str) -> dict[str, Any]:
    key = f"titanic/{name}.csv"
    return world.event("RawBucket", key, world.put("RawBucket", key, f"{HEADER}\n{ROW}\n"))


def test_a_record_passes_few_files(world: World) -> None:
    event = request("POST", "/predict", API_KEY, {"use_case": "titanic", "records": [RECORD]})

    with Walk() as walk:
        answer = world.call("PredictFunction", event, around=walk.of_second(event))

    assert answer["statusCode"] == 200
    assert len(walk.files) <= 25, "\n".join(sorted(walk.files))


def test_a_row_of_a_raw_file_passes_few_files(world: World) -> None:
    with Walk() as walk:
        world.invoked = walk.not_of(world.invoked)  # type: ignore[method-assign]  # the record's walk
        first, second = raw_file(world, "first"), raw_file(world, "second")
        world.call("IngestFunction", second, around=walk.of_second(first))
        done = world.call("ScheduledPredictFunction", {}, around=walk.of)

    assert (done["status"], done["rows"]) == ("completed", 2)
    own = {name for name in walk.files if "/tabserve/core/" not in name and "/tabserve/alerts/" not in name}
    assert len(own) <= 34, "\n".join(sorted(own))
    assert len(walk.files) <= 57, "\n".join(sorted(walk.files))
