"""What predictions are made from and what becomes of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tabserve.domain.metrics import Family, RequestCount
from tabserve.domain.prediction import Entity, HistoryQuery, Outcome, Page, PredictionBatch, StoredReply


class PredictionStore(Protocol):
    """Where predictions are kept."""

    def add(self, *batches: PredictionBatch) -> None:
        """Store each batch wholly or not at all; rows that are there already stay as they are."""
        ...

    def add_of_file(self, batch: PredictionBatch, fence: int) -> None:
        """Store rows of a file wholly or not at all, and the fence of the claim on it in the same transaction.

        A row that has a prediction of any version keeps it. Raises LeaseLostError when there is a newer claim.
        """
        ...

    def past(self, query: HistoryQuery) -> Page:
        """Read a page, newest first."""
        ...

    def reachable(self) -> bool:
        """Tell whether the store answers, without raising."""
        ...


class PredictionWriter(Protocol):
    """Stores predictions while other calls are answered."""

    async def add(self, batch: PredictionBatch) -> None:
        """Return when all of a batch is stored; raise UnavailableError."""
        ...


class ReplyStore(Protocol):
    """Where answers are kept to be repeated."""

    def find(self, key: str) -> StoredReply | None:
        """Return the reply stored under a key."""
        ...

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        """Store a batch and the reply under its key, all or none, in one round trip.

        When the key is taken, store nothing and return the reply stored first.
        """
        ...


class MetricStore(Protocol):
    """What is counted, over all instances."""

    def families(self) -> Sequence[Family]:
        """Count everything."""
        ...

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        """Add an instance's counts to everybody's."""
        ...


class GroundTruthStore(Protocol):
    """Where outcomes are kept."""

    def record(self, use_case: str, outcomes: Sequence[Outcome], at: datetime) -> list[bool]:
        """Store outcomes, the latest one of a prediction counting; return for each whether its prediction exists."""
        ...


class Queue(Protocol):
    """A queue that others read."""

    def send(self, body: bytes) -> None:
        """Send one message; raise UnavailableError."""
        ...


class FeatureStore(Protocol):
    """The latest features of entities."""

    def get(self, use_case: str, entity_ids: Sequence[str]) -> Mapping[str, Entity]:
        """Return those that are known, by id, in one round trip per 100."""
        ...

    def put(self, use_case: str, entities: Iterable[Entity]) -> int:
        """Store entities, the latest event time winning; return how many were stored."""
        ...
