"""The time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tell the time."""

    def __call__(self) -> datetime:
        """Return now, UTC, with zone."""
        ...
