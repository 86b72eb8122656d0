"""What can go wrong behind the page, each with what to do about it.

UiError             the API, the database or the file store is unavailable, or a chosen file cannot be used
└── RefusedError    the API refuses what was sent; `failures` name column, rule and message
    ├── TooLargeError    what was sent is larger than a call may be
    └── MovedError       somebody else changed meanwhile what this was to change
"""

from collections.abc import Sequence
from typing import Any, Literal

Cause = Literal["api", "database"]
ADVICE = (
    "This page comes back by itself with it. If that takes longer than some minutes, tell whoever runs the system: "
    "`make status` shows what runs, `make up` starts everything."
)


class UiError(Exception):
    """Something a visitor is told: what happened, what to do, and which part of the system is away, if one is."""

    def __init__(self, what: str, advice: str = "", away: Cause | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.away = away


class RefusedError(UiError):
    """What was sent breaks a rule."""

    def __init__(self, what: str, failures: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(what, "Correct what is named and send it again.")
        self.failures = failures


class TooLargeError(RefusedError):
    """What was sent is more than one call may carry."""


class MovedError(RefusedError):
    """Somebody else changed meanwhile what was to be changed; it says what."""
