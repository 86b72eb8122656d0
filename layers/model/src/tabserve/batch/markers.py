"""Run markers in DynamoDB: who works on which file, and until when."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tabserve.batch.ports import Claim
from tabserve.core.errors import LeaseLostError, StorageUnavailableError

KEEP = timedelta(days=90)  # after the last claim; the database knows by itself which files are done
NAMES = {"#status": "status", "#owner": "owner", "#error": "error", "#ttl": "ttl"}

CLAIM = (
    "SET #status = :inprogress, #owner = :owner, lease_until = :until, "
    "fence = if_not_exists(fence, :zero) + :one, attempts = if_not_exists(attempts, :zero) + :one, "
    "#ttl = :ttl"
)
# The lease is compared with the caller's clock in the condition itself: an expired item may stay for days.
FREE = "attribute_not_exists(pk) OR (#status = :inprogress AND lease_until < :now)"
HELD = "#status = :inprogress AND fence = :fence"


class DynamoMarkers:
    """One item a file, `pk = predict#<file_id>`; every change is one conditional write. Implements Markers.

    The fence grows with each claim. Whoever holds an older fence changes nothing any more.
    """

    def __init__(self, client: Any, table: str, now: Callable[[], datetime]) -> None:  # noqa: ANN401
        self._client = client
        self._table = table
        self._now = now

    def claim(self, file_id: str, owner: str, lease_seconds: int, floor: int = 0) -> Claim | None:
        values = {
            ":inprogress": {"S": "INPROGRESS"},
            ":owner": {"S": owner},
            ":until": _number(self._until(lease_seconds)),
            ":now": _number(_milliseconds(self._now())),
            ":ttl": _number(int((self._now() + KEEP).timestamp())),
            ":zero": _number(0),
            ":one": _number(1),
        }
        item = self._update(file_id, CLAIM, FREE, values)
        if item is None:
            return None
        claim = _claim(file_id, item)
        if claim.fence > floor:
            return claim
        return _claim(file_id, self._change(claim, "SET fence = :above", {":above": _number(floor + 1)}))

    def extend(self, claim: Claim, lease_seconds: int) -> None:
        self._change(claim, "SET lease_until = :until", {":until": _number(self._until(lease_seconds))})

    def complete(self, claim: Claim) -> None:
        self._change(claim, "SET #status = :completed REMOVE #error", {":completed": {"S": "COMPLETED"}})

    def release(self, claim: Claim, error: str, *, final: bool) -> None:
        values = {":error": {"S": error}, ":free": _number(0), ":next": {"S": "FAILED" if final else "INPROGRESS"}}
        self._change(claim, "SET #status = :next, #error = :error, lease_until = :free", values)

    def pause(self, claim: Claim) -> None:
        values = {":free": _number(0), ":one": _number(1)}
        self._change(claim, "SET lease_until = :free, attempts = attempts - :one", values)

    def reopen(self, file_id: str) -> None:
        change = "SET #status = :inprogress, lease_until = :free, attempts = :free, fence = fence + :one"
        values = {":inprogress": {"S": "INPROGRESS"}, ":free": _number(0), ":one": _number(1)}
        self._update(file_id, change, "attribute_exists(pk)", values)

    def _until(self, lease_seconds: int) -> int:
        return _milliseconds(self._now() + timedelta(seconds=lease_seconds))

    def _change(self, claim: Claim, change: str, values: Mapping[str, Any]) -> dict[str, Any]:
        held = {":inprogress": {"S": "INPROGRESS"}, ":fence": _number(claim.fence)}
        item = self._update(claim.file_id, change, HELD, {**values, **held})
        if item is None:
            raise LeaseLostError(f"another worker took over file {claim.file_id}")
        return item

    def _update(self, file_id: str, change: str, condition: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        used = {name: text for name, text in NAMES.items() if name in change + condition}
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"predict#{file_id}"}},
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames=used,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailableError(f"DynamoDB table {self._table}: {error}") from error
        item: dict[str, Any] = answer["Attributes"]
        return item


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _claim(file_id: str, item: Mapping[str, Any]) -> Claim:
    return Claim(file_id, int(item["fence"]["N"]), int(item["attempts"]["N"]))
