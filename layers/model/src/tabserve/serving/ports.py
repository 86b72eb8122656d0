"""What predictions are made from and what becomes of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tabserve.registry.version import ModelCards
from tabserve.serving.answers import Served
from tabserve.serving.metrics import Family, RequestCount
from tabserve.serving.prediction import GroundTruth, HistoryQuery, Page, PredictionBatch, StoredReply
from tabserve.serving.trial import ScoringCount


class PredictionStore(Protocol):
    """Where predictions are kept with their replies and ground truth, and where everything is counted."""

    def add(self, *batches: PredictionBatch) -> None:
        """Store each batch wholly or not at all; rows that are there already stay as they are."""

    def add_of_file(self, batch: PredictionBatch, fence: int) -> None:
        """Store rows of a file wholly or not at all, and the fence of the claim on it in the same transaction.

        A row that has a prediction of any version keeps it. Raises LeaseLostError when there is a newer claim.
        """

    def add_once(self, batch: PredictionBatch, reply: StoredReply) -> StoredReply | None:
        """Store a batch and the reply under its key, all or none, in one round trip.

        When the key is taken, store nothing and return the reply stored first.
        """

    def find_reply(self, key: str) -> StoredReply | None:
        """Return the reply stored under a key."""

    def record_ground_truth(self, use_case: str, truths: Sequence[GroundTruth], at: datetime) -> list[bool]:
        """Store ground truth, the last one of a prediction; return for each whether its prediction exists."""

    def past(self, query: HistoryQuery) -> Page:
        """Read a page, newest first."""

    def families(self) -> Sequence[Family]:
        """Count predictions, files, alerts and requests of all instances."""

    def add_requests(self, counts: Sequence[RequestCount]) -> None:
        """Add an instance's counts to those of all instances."""

    def add_scoring(self, counts: Sequence[ScoringCount], minute: datetime) -> None:
        """Add an instance's counts of a trial in a minute to those of all instances."""

    def scoring(self, use_case: str, trial: int, since: datetime) -> Sequence[ScoringCount]:
        """Return what all instances counted of a trial since then."""

    def reachable(self) -> bool:
        """Tell whether the store answers, without raising."""


class Models(Protocol):
    """The models that answer requests, by use case, and what is registered."""

    def champion(self, name: str) -> Served:
        """Return the version to serve now; raise UnknownUseCaseError or NoModelError."""

    def serving(self, name: str) -> Served | None:
        """Return the version to serve now without waiting for anything, None when the registry must be asked first."""

    def reload(self, name: str) -> Served:
        """Read the registry now and return the version to serve; raise UnknownUseCaseError or NoModelError."""

    def judged_by(self, name: str, contract_sha256: str) -> Served:
        """Return the version that answers rows which were judged by a contract; raise as `champion` does."""

    def cards(self, name: str) -> ModelCards:
        """Return what is known about all versions."""


class ObjectLinks(Protocol):
    """Links to objects of one bucket that work for some minutes, for those who have no access themselves."""

    def to_put(self, key: str, content_type: str, size: int) -> str:
        """Return a link that writes one object with one PUT request of so many bytes and no others."""

    def to_get(self, key: str) -> str:
        """Return a link that reads one object."""
