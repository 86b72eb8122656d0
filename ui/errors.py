"""What can go wrong behind the page, each with what to do about it.

UiError
├── ApiAwayError        nobody answers at the API's address, or it answers 5xx
├── WrongKeyError       the API refuses the key
├── RefusedError        the API refuses what was sent; `failures` name column, rule and message
├── NotFoundError       the API knows no such thing
├── DatabaseAwayError   the read-only database cannot be read
└── BadFileError        the chosen file is no CSV of this use case
"""

from collections.abc import Sequence
from typing import Any


class UiError(Exception):
    """Something a visitor is told: what happened and what to do."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class ApiAwayError(UiError):
    """Nobody answers, or the answer is a server error."""


class WrongKeyError(UiError):
    """The key is refused."""


class NotFoundError(UiError):
    """There is no such thing."""


class DatabaseAwayError(UiError):
    """The database cannot be read."""


class BadFileError(UiError):
    """A chosen file cannot be used."""


class RefusedError(UiError):
    """What was sent breaks a rule."""

    def __init__(self, what: str, failures: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(what, "Correct what is named and send it again.")
        self.failures = failures
