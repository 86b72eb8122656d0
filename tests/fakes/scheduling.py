"""What scheduled runs work with, in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from tabserve.batch.ports import Claim
from tabserve.core.errors import LeaseLostError
from tabserve.core.records import Features, Origin
from tests.fakes.ingestion import FakeIngestions

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Marker:
    """Who has a file, and until when."""

    claim: Claim
    owner: str = ""
    free_after: datetime = NEVER
    status: str = "INPROGRESS"


@dataclass
class FakeMarkers:
    """Markers in a dictionary; `now` is moved by the test."""

    now: datetime = datetime(2026, 1, 2, 12, tzinfo=UTC)
    markers: dict[str, Marker] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def claim(self, file_id: str, owner: str, lease_seconds: int, floor: int = 0) -> Claim | None:
        last = self.markers.get(file_id, Marker(Claim(file_id, 0, 0)))
        if last.status != "INPROGRESS" or last.free_after >= self.now:
            return None
        claim = Claim(file_id, max(last.claim.fence, floor) + 1, last.claim.attempts + 1)
        self.markers[file_id] = Marker(claim, owner, self.now + timedelta(seconds=lease_seconds))
        return claim

    def extend(self, claim: Claim, lease_seconds: int) -> None:
        self._change(claim, free_after=self.now + timedelta(seconds=lease_seconds))

    def complete(self, claim: Claim) -> None:
        self._change(claim, status="COMPLETED")

    def release(self, claim: Claim, error: str, *, final: bool) -> None:
        self._change(claim, free_after=NEVER, status="FAILED" if final else "INPROGRESS")
        self.errors[claim.file_id] = error

    def pause(self, claim: Claim) -> None:
        self._change(claim, free_after=NEVER, claim=replace(claim, attempts=claim.attempts - 1))

    def reopen(self, file_id: str) -> None:
        if file_id in self.markers:
            self.markers[file_id] = Marker(Claim(file_id, self.markers[file_id].claim.fence + 1, 0))

    def _change(self, held: Claim, **changes: Any) -> None:
        marker = self.markers.get(held.file_id)
        if marker is None or marker.claim.fence != held.fence or marker.status != "INPROGRESS":
            raise LeaseLostError(held.file_id)
        self.markers[held.file_id] = replace(marker, **changes)


@dataclass
class FakePredictionService:
    """Notes rows as predicted but for the `refused`; `trouble` is asked before each call and may raise."""

    ingestions: FakeIngestions
    trouble: Callable[[str, Sequence[int]], None] = lambda _file_id, _rows: None
    refused: dict[tuple[str, int], str] = field(default_factory=dict)
    asked: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    records: dict[tuple[str, int], Features] = field(default_factory=dict)

    def predict(self, use_case: str, records: Sequence[Features], origin: Origin) -> Mapping[int, str]:
        file_id, numbers = origin.file_id, origin.row_numbers
        self.asked.append((file_id, numbers))
        self.trouble(file_id, numbers)
        self.ingestions.hold(file_id, origin.fence)
        refused = {number: self.refused[file_id, number] for number in numbers if (file_id, number) in self.refused}
        self.ingestions.rows_predicted.setdefault(file_id, set()).update(set(numbers) - refused.keys())
        self.records |= {(file_id, n): record for n, record in zip(numbers, records, strict=True)}
        return refused


@dataclass
class InProcess:
    """A client of Lambda that calls the handler."""

    handler: Callable[[dict[str, Any], object], dict[str, Any]]

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  as AWS calls them
        return {"Payload": BytesIO(json.dumps(self.handler(json.loads(Payload), None)).encode())}
