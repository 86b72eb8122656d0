"""What scheduled runs work with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from tabserve.domain.prediction import Features, Origin

RunStatus = Literal["completed", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class PredictionRun:
    """One scheduled run."""

    id: str
    started_at: datetime
    finished_at: datetime
    status: RunStatus
    files: int
    rows: int
    error: str | None = None


class RunStore(Protocol):
    """Where scheduled runs are kept."""

    def add(self, run: PredictionRun) -> None:
        """Store one finished run."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one file until `lease_until`; `fence` grows with every claim."""

    file_id: str
    owner: str
    fence: int
    attempts: int
    next_row: int
    lease_until: datetime


class Markers(Protocol):
    """Marks which good files are predicted, one worker at a time."""

    def claim(self, file_id: str, owner: str, lease_seconds: int, floor: int = 0) -> Claim | None:
        """Claim a file that nobody works on; return None when it is done, failed or held by another.

        The fence is above `floor`, the newest one the database knows of, even when the markers were lost.
        """
        ...

    def advance(self, claim: Claim, next_row: int, lease_seconds: int) -> Claim:
        """Note the next row (0-based, of the good file) and extend the lease; raise LeaseLostError."""
        ...

    def complete(self, claim: Claim) -> None:
        """Mark the file as done; raise LeaseLostError."""
        ...

    def release(self, claim: Claim, error: str, *, final: bool) -> None:
        """Give the file back for another attempt, or mark it FAILED when `final`; raise LeaseLostError."""
        ...

    def pause(self, claim: Claim) -> None:
        """Give the file back for later without counting the attempt; raise LeaseLostError."""
        ...

    def reopen(self, file_id: str) -> None:
        """Let a settled file be claimed again, as if never tried; whoever held it before does so no more."""
        ...


class PredictionService(Protocol):
    """The prediction function, as the scheduled one sees it."""

    def predict(self, use_case: str, records: Sequence[Features], origin: Origin) -> Mapping[int, str]:
        """Have rows of a file predicted and stored; return why the others were refused, by row number.

        Raises PredictionServiceError when the function is away, ModelError when the use case has no usable model,
        LeaseLostError when there is a newer claim on the file.
        """
        ...
