"""The time."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tell the time."""

    def __call__(self) -> datetime:
        """Return now, UTC, with zone."""
        ...


def utc_now() -> datetime:
    """Return the time, with zone."""
    return datetime.now(UTC)
