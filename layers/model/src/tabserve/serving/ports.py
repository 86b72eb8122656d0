"""What predictions are made from and what becomes of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.registry.version import ModelCards
from tabserve.serving.metrics import Family, RequestCount
from tabserve.serving.prediction import HistoryQuery, Outcome, Page, PredictionBatch, StoredReply


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


class Model(Protocol):
    """One loaded model version."""

    @property
    def version(self) -> str:
        """The registry's version name."""
        ...

    @property
    def model_sha256(self) -> str:
        """The `UseCase.model_sha256` it was trained on."""
        ...

    def probabilities(self, columns: Mapping[str, Sequence[Value]], rows: int) -> list[list[float]]:
        """Score validated features given by column; return shape (rows, classes) in the use case's class order."""
        ...


class Models(Protocol):
    """The models that answer requests."""

    def champion(self, use_case: UseCase) -> Model:
        """Return the version to serve now; raise NoModelError."""
        ...

    def serving(self, use_case: UseCase) -> Model | None:
        """Return the version to serve now without waiting for anything, None when the registry must be asked first."""
        ...

    def reload(self, use_case: UseCase) -> Model:
        """Read the registry now and return the version to serve; raise NoModelError."""
        ...


class ModelRegistry(Protocol):
    """The registered model versions."""

    def cards(self, use_case: UseCase) -> ModelCards:
        """Return what is known about all versions."""
        ...


class ObjectLinks(Protocol):
    """Links to objects of one bucket that work for some minutes, for those who have no access themselves."""

    def to_put(self, key: str, content_type: str, size: int) -> str:
        """Return a link that writes one object with one PUT request of so many bytes and no others."""
        ...

    def to_get(self, key: str) -> str:
        """Return a link that reads one object."""
        ...
