"""Filling the feature store: in batches beside one conditional write a row, on an emulator of its own."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.measurement import Measurement, medians, timed
from local_cloud import emulator
from local_cloud.config import CREDENTIALS, REGION, Place, free_ports
from tabserve.core.entities import Entity
from tabserve.features.service import ROWS_PER_PIECE
from tabserve.features.store import NEWER, DynamoFeatures

TABLE = "features"
ROUNDS = 3
PIECES = 5
SINGLE_WRITERS = 16
FIVE_TIMES = 5


def run() -> list[Measurement]:
    """Measure entities that are new, newer and known already; each round writes entities of its own, in turn."""
    with dynamodb() as client:
        single, store = SingleWrites(client), DynamoFeatures(lambda: client, TABLE)
        rounds = []
        for number in range(ROUNDS):
            minutes = (1, 2, 1)
            pieces = [[_entities(f"b{number}-{piece}", minute) for piece in range(PIECES)] for minute in minutes]
            bare = timed(partial(single.put, _entities(f"s{number}", 1)))
            rounds.append([bare, *(timed(partial(_put, store, some)) / PIECES for some in pieces)])
    peer, *ours = (ROWS_PER_PIECE / milliseconds * 1e3 for milliseconds in medians(rounds))
    names = ("new", "newer than stored", "older than stored")
    return [
        Measurement(f"entities {name}", rate, "rows/s", FIVE_TIMES, "a conditional PutItem a row", peer, "larger")
        for name, rate in zip(names, ours, strict=True)
    ]


class SingleWrites:
    """One conditional PutItem a row, 16 at a time."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401  clients have no type
        self._client = client

    def put(self, entities: list[Entity]) -> None:
        """Store entities."""
        with ThreadPoolExecutor(SINGLE_WRITERS) as pool:
            list(pool.map(self._write, entities))

    def _write(self, entity: Entity) -> None:
        time = {"S": entity.event_time.isoformat(timespec="microseconds")}
        item = {"pk": {"S": f"bench#{entity.entity_id}"}, "features": {"S": str(entity.features)}, "event_time": time}
        self._client.put_item(
            TableName=TABLE, Item=item, ConditionExpression=NEWER, ExpressionAttributeValues={":event_time": time}
        )


@contextmanager
def dynamodb() -> Iterator[Any]:
    """Run an emulator with an empty table; yield a client of it."""
    emulator.prepare()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), free_ports(), durable=False)
        server = emulator.start(place)
        try:
            client = boto3.client(
                "dynamodb",
                region_name=REGION,
                endpoint_url=place.aws_endpoint,
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                config=Config(max_pool_connections=SINGLE_WRITERS),
            )
            client.create_table(
                TableName=TABLE,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            )
            yield client
        finally:
            server.stop()


def _put(store: DynamoFeatures, pieces: list[list[Entity]]) -> None:
    for piece in pieces:
        store.put("bench", piece)


def _entities(name: str, minute: int) -> list[Entity]:
    time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    features = {"category": "male", "whole": 3, "optional": None, "number": 20.5, "letter": "S"}
    return [Entity(f"{name}-{row}", features, time) for row in range(ROWS_PER_PIECE)]
