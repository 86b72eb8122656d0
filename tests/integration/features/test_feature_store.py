"""The feature store and its fake keep the same promises."""

from collections.abc import Iterator
from datetime import timedelta

import boto3
import pytest
from botocore.config import Config

from tabserve.core.entities import Entity, FeatureStore
from tabserve.core.errors import StorageUnavailableError
from tabserve.features.store import DynamoFeatures
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
