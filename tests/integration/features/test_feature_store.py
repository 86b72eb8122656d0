"""The feature store and its fake keep the same promises."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tabserve.core.entities import Entity, FeatureStore
from tabserve.core.errors import StorageUnavailableError
from tabserve.features import store as features_store
from tabserve.features.store import WRITE_ATTEMPTS, DynamoFeatures
from tests.factories import NOON
from tests.fakes.predictions import FakeFeatures
from tests.lambdas import emulated


@pytest.fixture(params=["dynamodb", "fake"])
def store(request: pytest.FixtureRequest) -> Iterator[FeatureStore]:
    if request.param == "fake":
        yield FakeFeatures()
        return
    with emulated(tables=("features",)) as aws:
        yield DynamoFeatures(lambda: aws.dynamodb, "features")


def test_reads_back_what_is_known_and_only_that(store: FeatureStore) -> None:
    written = [Entity(str(number), {"Age": number + 0.1, "Sex": None}, NOON) for number in range(250)]
    assert store.put("titanic", written) == 250
    asked = [str(number) for number in range(240, 260)] + ["240"]
    assert store.get("titanic", asked) == {entity.entity_id: entity for entity in written[240:]}
    assert store.get("iris", asked) == {}


def test_the_latest_event_wins_whatever_the_order(store: FeatureStore) -> None:
    old, new = (Entity("a#b", {"Age": age}, NOON + timedelta(minutes=age)) for age in (1, 2))
    assert [store.put("titanic", [entity]) for entity in (new, old, new)] == [1, 0, 0]
    assert store.get("titanic", ["a#b"])["a#b"] == new


def known(store: FeatureStore, numbers: Sequence[int]) -> list[float]:
    found = store.get("titanic", [str(number) for number in numbers])
    return [float(str(found[str(number)].features["Age"])) for number in numbers]


def aged(number: int, age: int) -> Entity:
    """Return what is known of a passenger since that many minutes after noon."""
    return Entity(str(number), {"Age": age}, NOON + timedelta(minutes=age))


def test_of_many_only_those_are_stored_that_know_something_new(store: FeatureStore) -> None:
    everyone = range(250)
    assert store.put("titanic", [aged(number, 5) for number in everyone]) == 250
    ages = [4 + number % 3 for number in everyone]  # older, as old, newer
    newer = ages.count(6)
    assert store.put("titanic", map(aged, everyone, ages)) == newer
    assert store.put("titanic", map(aged, everyone, ages)) == 0
    assert known(store, everyone) == [max(5, age) for age in ages]


class Table:
    """A client of DynamoDB that lets something happen before a write, and keeps what was written."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.meta = dynamodb.meta
        self.written: list[Any] = []
        self.before: list[Callable[[], object]] = []

    def batch_get_item(self, **arguments: Any) -> Any:
        return self._dynamodb.batch_get_item(**arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        if self.before:
            self.before.pop(0)()
        self.written.append(arguments)
        return self._dynamodb.transact_write_items(**arguments)


@pytest.fixture
def table() -> Iterator[Table]:
    with emulated(tables=("features",)) as aws:
        yield Table(aws.dynamodb)


def cancelled(*reasons: str) -> Callable[[], None]:
    """Return what cancels a transaction for these reasons, item by item."""

    def cancel() -> None:
        answer = {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        }
        raise ClientError(answer, "TransactWriteItems")  # type: ignore[arg-type]

    return cancel


def test_what_another_worker_stored_meanwhile_stays_and_holds_up_nothing_else(table: Table) -> None:
    store, other = DynamoFeatures(lambda: table, "features"), DynamoFeatures(lambda: Table(table._dynamodb), "features")
    theirs = [aged(3, 9), aged(50, 1), aged(98, 5)]  # newer, older and as old
    table.before = [lambda: other.put("titanic", theirs)]
    assert store.put("titanic", [aged(number, 5) for number in range(100)]) == 98
    assert known(store, range(100)) == [9 if number == 3 else 5 for number in range(100)]


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_write_that_the_table_could_not_take_is_tried_again(table: Table, reason: str) -> None:
    store = DynamoFeatures(lambda: table, "features")
    table.before = [cancelled("None", reason), cancelled(reason, "ConditionalCheckFailed"), lambda: None]
    assert store.put("titanic", [aged(1, 5), aged(2, 5)]) == 1
    assert [put["Put"]["Item"]["pk"]["S"] for put in table.written[-1]["TransactItems"]] == ["titanic#1"]


def test_a_table_that_stays_busy_is_unavailable(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features_store, "_wait", lambda _: None)
    table.before = [cancelled("TransactionConflict")] * WRITE_ATTEMPTS
    with pytest.raises(StorageUnavailableError, match="too busy to write"):
        DynamoFeatures(lambda: table, "features").put("titanic", [aged(1, 5)])


def test_a_cancellation_that_no_other_try_would_mend_is_told(table: Table) -> None:
    table.before = [cancelled("ValidationError")]
    with pytest.raises(StorageUnavailableError, match="TransactionCanceledException"):
        DynamoFeatures(lambda: table, "features").put("titanic", [aged(1, 5)])


def test_wide_rows_are_written_by_as_many_as_a_transaction_takes(table: Table) -> None:
    wide = {f"column {number}": "é" * 40 for number in range(1_000)}
    written = [Entity(str(number), wide, NOON) for number in range(30)]
    store = DynamoFeatures(lambda: table, "features")
    assert store.put("titanic", written) == 30
    assert len(table.written) > 1
    assert max(len(json.dumps(call)) for call in table.written) < 4_000_000
    assert store.get("titanic", ["29"])["29"] == written[29]


def test_the_table_need_not_remember_what_was_written(table: Table) -> None:
    sent: list[bytes] = []
    table.meta.events.register("before-call.dynamodb", lambda params, **_: sent.append(params["body"]))
    DynamoFeatures(lambda: table, "features").put("titanic", [aged(1, 5)])
    assert b"TransactItems" in sent[-1]
    assert b"ClientRequestToken" not in sent[-1]


def test_a_table_that_is_not_there_is_unavailable() -> None:
    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(StorageUnavailableError):
        DynamoFeatures(lambda: client, "features").get("titanic", ["1"])
