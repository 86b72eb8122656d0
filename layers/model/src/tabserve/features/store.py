"""The feature store in DynamoDB: one item per entity, `pk = <use case>#<entity id>`."""

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from tabserve.core.chunks import chunks
from tabserve.core.entities import Entity
from tabserve.core.errors import StorageUnavailableError

ITEMS_PER_CALL: Final = 100
# A transaction takes 4 MB; as JSON in a request, items are larger than DynamoDB counts them.
BYTES_PER_WRITE: Final = 2_000_000
READ_ATTEMPTS: Final = 5
WRITE_ATTEMPTS: Final = 8  # twelve seconds: a table that is new, or was small, takes more after a while
WRITERS: Final = 4
NEWER: Final = "attribute_not_exists(pk) OR event_time < :event_time"
# Why DynamoDB cancels a transaction that may succeed when it is asked again.
BUSY: Final = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
Item = Mapping[str, Mapping[str, str]]


class DynamoFeatures:
    """The latest features of entities; the client is made when it is first needed."""

    def __init__(self, client: Callable[[], Any], table: str) -> None:
        self._client = cache(lambda: _without_tokens(client()))
        self._table = table

    def get(self, use_case: str, entity_ids: Sequence[str]) -> Mapping[str, Entity]:
        """Return those that are known, by id, in one round trip per 100; raise StorageUnavailableError."""
        keys = [_key(use_case, id_) for id_ in dict.fromkeys(entity_ids)]
        parts = [keys[start : start + ITEMS_PER_CALL] for start in range(0, len(keys), ITEMS_PER_CALL)]
        entities = [_entity(item, use_case) for part in parts for item in self._read(part)]
        return {entity.entity_id: entity for entity in entities}

    def put(self, use_case: str, entities: Iterable[Entity]) -> int:
        """Store entities, each named once, the latest event time winning; return how many were stored.

        Raises StorageUnavailableError; some may be stored then.
        """
        self._client()  # before the threads: making one is not safe in them
        items = (_item(use_case, entity) for entity in entities)
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(self._write, chunks(items, _size, BYTES_PER_WRITE, ITEMS_PER_CALL)))

    def _read(self, keys: Sequence[Item], **options: object) -> list[Item]:
        """Read up to 100 items; what the table held back for load is asked for again."""
        items: list[Item] = []
        for attempt in range(READ_ATTEMPTS):
            _wait(attempt)
            answer = self._call("batch_get_item", RequestItems={self._table: {"Keys": keys, **options}})
            items += answer["Responses"].get(self._table, ())
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", ())
            if not keys:
                return items
        raise StorageUnavailableError(f"The table {self._table} is too busy to read.")

    def _write(self, items: Sequence[Item]) -> int:
        """Store the items that are newer than what is there; return how many they were."""
        items = self._newer(items)
        attempt = 0
        while items:
            if attempt == WRITE_ATTEMPTS:
                raise StorageUnavailableError(f"The table {self._table} is too busy to write.")
            _wait(attempt)
            refused = self._transact(items)
            if not refused:
                break
            newer = [item for item, reason in zip(items, refused, strict=True) if reason != "ConditionalCheckFailed"]
            attempt += len(newer) == len(items)
            items = newer
        return len(items)

    def _newer(self, items: Sequence[Item]) -> Sequence[Item]:
        """Leave out what is not newer than what is stored: a transaction that it cancels is paid all the same."""
        keys = [{"pk": item["pk"]} for item in items]
        known = {
            item["pk"]["S"]: item["event_time"]["S"] for item in self._read(keys, ProjectionExpression="pk, event_time")
        }
        return [item for item in items if known.get(item["pk"]["S"], "") < item["event_time"]["S"]]

    def _transact(self, items: Sequence[Item]) -> Sequence[str]:
        """Store all of the items, or none and return why, item by item; raise StorageUnavailableError."""
        writes = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": item,
                    "ConditionExpression": NEWER,
                    "ExpressionAttributeValues": {":event_time": item["event_time"]},
                }
            }
            for item in items
        ]
        try:
            self._call("transact_write_items", TransactItems=writes)
        except StorageUnavailableError as error:
            reasons = _reasons(error.__cause__)
            if not reasons or set(reasons) - BUSY - {"None", "ConditionalCheckFailed"}:
                raise
            return reasons
        return ()

    def _call(self, operation: str, **arguments: object) -> Any:  # noqa: ANN401
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client(), operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailableError(f"The table {self._table} does not answer: {error}") from error


def _without_tokens(client: Any) -> Any:  # noqa: ANN401  clients have no type
    """Send no token with a transaction: its conditions make it safe to repeat, and the table need not remember it."""
    from botocore.handlers import generate_idempotent_uuid

    client.meta.events.unregister("before-parameter-build", generate_idempotent_uuid)
    return client


def _reasons(error: BaseException | None) -> list[str]:
    """Return why a transaction was cancelled, item by item; nothing for any other error."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    return [str(reason.get("Code", "None")) for reason in response.get("CancellationReasons", ())]


def _wait(attempt: int) -> None:
    """Pause before an attempt, not before the first, for a random time: two workers must not meet again and again."""
    time.sleep(random.uniform(0.5, 1) * 0.05 * (2**attempt - 1))  # noqa: S311  guards no secret


def _key(use_case: str, entity_id: str) -> Item:
    return {"pk": {"S": f"{use_case}#{entity_id}"}}


def _item(use_case: str, entity: Entity) -> Item:
    return {
        **_key(use_case, entity.entity_id),
        "features": {"S": json.dumps(dict(entity.features))},
        "event_time": {"S": entity.event_time.astimezone(UTC).isoformat(timespec="microseconds")},
    }


def _size(item: Item) -> int:
    """Return the bytes of an item; its features are ASCII, an id has 200 characters at most."""
    return len(item["features"]["S"]) + len(item["pk"]["S"].encode()) + 100


def _entity(item: Item, use_case: str) -> Entity:
    return Entity(
        item["pk"]["S"].removeprefix(f"{use_case}#"),
        json.loads(item["features"]["S"]),
        datetime.fromisoformat(item["event_time"]["S"]),
    )
