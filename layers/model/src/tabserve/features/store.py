"""The feature store in DynamoDB: one item per entity, `pk = <use case>#<entity id>`."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any

from tabserve.core.entities import Entity
from tabserve.core.errors import StorageUnavailableError

ITEMS_PER_READ = 100
ATTEMPTS = 5
WRITERS = 16
NEWER = "attribute_not_exists(pk) OR event_time < :event_time"
Item = Mapping[str, Mapping[str, str]]


class DynamoFeatures:
    """The latest features of entities; the client is made when it is first needed."""

    def __init__(self, client: Callable[[], Any], table: str) -> None:
        self._client = cache(client)
        self._table = table

    def get(self, use_case: str, entity_ids: Sequence[str]) -> Mapping[str, Entity]:
        """Return those that are known, by id, in one round trip per 100; raise StorageUnavailableError."""
        keys = [{"pk": {"S": f"{use_case}#{id_}"}} for id_ in dict.fromkeys(entity_ids)]
        chunks = [keys[start : start + ITEMS_PER_READ] for start in range(0, len(keys), ITEMS_PER_READ)]
        entities = [_entity(item, use_case) for chunk in chunks for item in self._read(chunk)]
        return {entity.entity_id: entity for entity in entities}

    def put(self, use_case: str, entities: Iterable[Entity]) -> int:
        """Store entities, the latest event time winning; return how many were; raise StorageUnavailableError."""
        self._client()  # before the threads: making one is not safe in them
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(lambda entity: self._write(use_case, entity), entities))

    def _read(self, keys: Sequence[Item]) -> list[Item]:
        """Read up to 100 items; what the table held back for load is asked for again."""
        items: list[Item] = []
        for attempt in range(ATTEMPTS):
            time.sleep(0.05 * (2**attempt - 1))
            answer = self._call("batch_get_item", RequestItems={self._table: {"Keys": keys}})
            items += answer["Responses"].get(self._table, ())
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", ())
            if not keys:
                return items
        raise StorageUnavailableError(f"The table {self._table} is too busy to read.")

    def _write(self, use_case: str, entity: Entity) -> bool:
        item = {
            "pk": {"S": f"{use_case}#{entity.entity_id}"},
            "features": {"S": json.dumps(dict(entity.features))},
            "event_time": {"S": entity.event_time.astimezone(UTC).isoformat(timespec="microseconds")},
        }
        values = {":event_time": item["event_time"]}
        try:
            self._call(
                "put_item",
                TableName=self._table,
                Item=item,
                ConditionExpression=NEWER,
                ExpressionAttributeValues=values,
            )
        except StorageUnavailableError as error:
            if "ConditionalCheckFailed" in repr(error.__cause__):
                return False
            raise
        return True

    def _call(self, operation: str, **arguments: object) -> Any:  # noqa: ANN401
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client(), operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailableError(f"The table {self._table} does not answer: {error}") from error


def _entity(item: Item, use_case: str) -> Entity:
    return Entity(
        item["pk"]["S"].removeprefix(f"{use_case}#"),
        json.loads(item["features"]["S"]),
        datetime.fromisoformat(item["event_time"]["S"]),
    )
