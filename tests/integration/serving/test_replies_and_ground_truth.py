"""Idempotent answers and ground truth, on PostgreSQL, SQLite and the fake alike."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from tabserve.core.database import Database
from tabserve.core.tables import ground_truth
from tabserve.serving.metrics import RequestCount, request_families
from tabserve.serving.ports import PredictionStore
from tabserve.serving.prediction import GroundTruth, HistoryQuery, StoredReply
from tabserve.serving.store import prediction_store
from tests.factories import NOON, batch
from tests.fakes.predictions import FakePredictions


def reply(response: bytes, key: str = "k") -> StoredReply:
    return StoredReply(key, "titanic", "ab" * 32, response, NOON)


@pytest.mark.parametrize("rows", [1, 700])
def test_the_first_reply_under_a_key_stays(store: PredictionStore, rows: int) -> None:
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


def test_ground_truth_finds_its_predictions_and_the_last_one_counts(
    store: PredictionStore, any_database: Database | None
) -> None:
    new = batch(1, entity_ids=["17"])
    old = batch(2, entity_ids=["17", "18"], created_at=NOON - timedelta(days=1))
    other = batch(1, entity_ids=["17"], use_case="iris", created_at=NOON + timedelta(days=1))
    for stored in (new, old, other):
        store.add(stored)
    truths = [
        GroundTruth("1", entity_id="17"),
        GroundTruth("0", prediction_id=old.ids[1]),
        GroundTruth("1", prediction_id=old.ids[1]),
        GroundTruth("1", prediction_id=other.ids[0]),
        GroundTruth("1", entity_id="99"),
        GroundTruth("1", prediction_id="00000000-0000-7000-8000-000000000000"),
    ]
    for _ in range(2):
        assert store.record_ground_truth("titanic", truths, NOON) == [True, True, True, False, False, False]
    assert recorded(store, any_database) == {new.ids[0]: "1", old.ids[1]: "1"}

    store.record_ground_truth("titanic", [GroundTruth("0", entity_id="17")], NOON)
    assert recorded(store, any_database) == {new.ids[0]: "0", old.ids[1]: "1"}


def recorded(store: PredictionStore, database: Database | None) -> dict[str, str]:
    if isinstance(store, FakePredictions):
        return store.truths
    assert database
    with database.transaction() as connection:
        rows = connection.execute(select(ground_truth.c.prediction_id, ground_truth.c.actual)).all()
    return dict(tuple(row) for row in rows)


def test_requests_are_counted(store: PredictionStore) -> None:
    for requests in (3, 4):
        store.add_requests([RequestCount("/predict", 200, 0.005, requests, 0.25)])

    counted = request_families([RequestCount("/predict", 200, 0.005, 7, 0.5)])
    assert [family for family in store.families() if family.name.startswith("tabserve_request")] == counted
