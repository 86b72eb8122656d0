"""What can go wrong behind the page, each with what to do about it.

UiError             the API, the database or the file store is unavailable, or a chosen file cannot be used
└── RefusedError    the API refuses what was sent; `failures` name column, rule and message
"""

from collections.abc import Sequence
from typing import Any


class UiError(Exception):
    """Something a visitor is told: what happened and what to do."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class RefusedError(UiError):
    """What was sent breaks a rule."""

    def __init__(self, what: str, failures: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(what, "Correct what is named and send it again.")
        self.failures = failures
