"""What scheduled runs work with, in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from tabserve.batch.ports import Claim, PredictionRun
from tabserve.core.errors import LeaseLostError
from tabserve.core.records import Features, Origin
from tests.fakes.ingestion import FakeIngestions


@dataclass
class FakeMarkers:
    """Markers in a dictionary; `now` is moved by the test."""

    now: datetime = datetime(2026, 1, 2, 12, tzinfo=UTC)
    claims: dict[str, Claim] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def claim(self, file_id: str, owner: str, lease_seconds: int, floor: int = 0) -> Claim | None:
        last = self.claims.get(file_id, Claim(file_id, "", 0, 0, 0, self.now))
        if file_id in self.claims and (self.status[file_id] != "INPROGRESS" or last.lease_until >= self.now):
            return None
        until = self.now + timedelta(seconds=lease_seconds)
        claim = replace(
            last, owner=owner, fence=max(last.fence, floor) + 1, attempts=last.attempts + 1, lease_until=until
        )
        return self._hold(claim, "INPROGRESS")

    def advance(self, claim: Claim, next_row: int, lease_seconds: int) -> Claim:
        until = self.now + timedelta(seconds=lease_seconds)
        return self._hold(replace(self._held(claim), next_row=next_row, lease_until=until), "INPROGRESS")

    def complete(self, claim: Claim) -> None:
        self._hold(self._held(claim), "COMPLETED")

    def release(self, claim: Claim, error: str, *, final: bool) -> None:
        free = replace(self._held(claim), lease_until=datetime.min.replace(tzinfo=UTC))
        self._hold(free, "FAILED" if final else "INPROGRESS")
        self.errors[claim.file_id] = error

    def pause(self, claim: Claim) -> None:
        held = self._held(claim)
        free = replace(held, attempts=held.attempts - 1, lease_until=datetime.min.replace(tzinfo=UTC))
        self._hold(free, "INPROGRESS")

    def reopen(self, file_id: str) -> None:
        if file_id in self.claims:
            last = self.claims[file_id]
            free = replace(last, attempts=0, fence=last.fence + 1, lease_until=datetime.min.replace(tzinfo=UTC))
            self._hold(free, "INPROGRESS")

    def _held(self, claim: Claim) -> Claim:
        current = self.claims.get(claim.file_id)
        if current is None or current.fence != claim.fence or self.status[claim.file_id] != "INPROGRESS":
            raise LeaseLostError(claim.file_id)
        return current

    def _hold(self, claim: Claim, status: str) -> Claim:
        self.claims[claim.file_id] = claim
        self.status[claim.file_id] = status
        return claim


@dataclass
class FakeRuns:
    """Runs in a list."""

    stored: list[PredictionRun] = field(default_factory=list)

    def add(self, run: PredictionRun) -> None:
        self.stored.append(run)


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
