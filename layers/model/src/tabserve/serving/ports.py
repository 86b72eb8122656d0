"""What predictions are made from and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from tabserve.core.records import Value
from tabserve.core.use_case import UseCase
from tabserve.registry.version import Interval, ModelCards
from tabserve.serving.metrics import Family, RequestCount
from tabserve.serving.prediction import GroundTruth, HistoryQuery, Page, PredictionBatch, StoredReply

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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

    def reachable(self) -> bool:
        """Tell whether the store answers, without raising."""


class Model(Protocol):
    """One loaded model version."""

    @property
    def version(self) -> str:
        """The registry's version name."""

    @property
    def threshold(self) -> float | None:
        """From which probability on the positive class is answered; None where the likelier class is."""

    @property
    def interval(self) -> Interval | None:
        """How far true numbers lie from predicted ones, of a regression."""

    def score(self, columns: Mapping[str, Sequence[Value]], rows: int) -> "NDArray[np.float64]":
        """Score the model's inputs given by column.

        Return probabilities of shape (rows, classes) in the use case's class order, or numbers of shape (rows, 1).
        """


@dataclass(frozen=True, slots=True)
class Served:
    """A version that answers, with the definition it was trained on."""

    use_case: UseCase
    model: Model

    @property
    def version(self) -> str:
        """The registry's version name."""
        return self.model.version


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
