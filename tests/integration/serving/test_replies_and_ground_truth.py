"""Idempotent answers and ground truth, on PostgreSQL, SQLite and the fake alike."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tabserve.serving.postgres import Postgres
from tabserve.serving.prediction import HistoryQuery, Outcome, StoredReply
from tabserve.serving.store import prediction_store
from tests.factories import NOON, batch
from tests.fakes.predictions import FakePredictions


@pytest.fixture(params=["postgresql", "sqlite", "fake"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "fake":
        return FakePredictions()
    return prediction_store(request.getfixturevalue("postgres_url" if request.param == "postgresql" else "sqlite_url"))


def reply(response: bytes, key: str = "k") -> StoredReply:
    return StoredReply(key, "titanic", "ab" * 32, response, NOON)


@pytest.mark.parametrize("rows", [1, 700])
def test_the_first_reply_under_a_key_stays(store: Any, rows: int) -> None:
    first = reply(b'{"b": 1, "a": "\xc3\xbc"}')
    assert store.add_once(batch(rows), first) is None
    assert store.add_once(batch(rows), reply(b"{}")) == first
    assert store.add_once(batch(rows), reply(b"{}", "other")) is None
    assert len(store.past(HistoryQuery(limit=1000)).predictions) == min(2 * rows, 1000)


def test_calls_at_once_under_one_key_store_one_batch(postgres_url: str) -> None:
    stores = [prediction_store(postgres_url) for _ in range(8)]
    for number in range(20):
        with ThreadPoolExecutor(len(stores)) as pool:
            calls = [
                pool.submit(store.add_once, batch(3), reply(b'{"from": %d}' % index, f"k{number}"))
                for index, store in enumerate(stores)
            ]
        answers = [call.result() for call in calls]
        winners = [index for index, answer in enumerate(answers) if answer is None]
        assert len(winners) == 1
        assert {answer.response for answer in answers if answer} == {b'{"from": %d}' % winners[0]}
    assert len(stores[0].past(HistoryQuery(limit=1000)).predictions) == 60


def test_outcomes_find_their_predictions_and_the_last_one_counts(store: Any) -> None:
    old = batch(2, entity_ids=["17", "18"], created_at=NOON - timedelta(days=1))
    new = batch(1, entity_ids=["17"])
    other = batch(1, entity_ids=["17"], use_case="iris", created_at=NOON + timedelta(days=1))
    for stored in (old, new, other):
        store.add(stored)
    outcomes = [
        Outcome("1", entity_id="17"),
        Outcome("0", prediction_id=old.ids[1]),
        Outcome("1", prediction_id=old.ids[1]),
        Outcome("1", prediction_id=other.ids[0]),
        Outcome("1", entity_id="99"),
        Outcome("1", prediction_id="00000000-0000-7000-8000-000000000000"),
    ]
    for _ in range(2):
        assert store.record("titanic", outcomes, NOON)[:3] == [True, True, True]
        assert store.record("titanic", outcomes, NOON)[4:] == [False, False]


def test_outcomes_are_kept_once_per_prediction(postgres_url: str) -> None:
    store = prediction_store(postgres_url)
    stored = batch(2, entity_ids=["17", None])
    store.add(stored)
    store.record("titanic", [Outcome("1", entity_id="17"), Outcome("0", prediction_id=stored.ids[1])], NOON)
    store.record("titanic", [Outcome("0", entity_id="17")], NOON)
    rows = Postgres(postgres_url).run(_ground_truth)
    assert rows == {stored.ids[0]: "0", stored.ids[1]: "0"}


def _ground_truth(cursor: Any, _again: bool) -> dict[str, str]:
    cursor.execute("SELECT prediction_id, actual FROM ground_truth")
    return dict(cursor.fetchall())
