"""Records: the values of one, where they come from, and what is wrong with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Source = Literal["webapp", "scheduled", "api", "queue"]
SOURCES: tuple[Source, ...] = get_args(Source)


Value = str | float | int | bool | None


Features = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class FailureCase:
    """One rule broken by one value."""

    column: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The rows of a raw file that a request's records come from, and the fence of the claim they are sent under.

    The contract, where it is known, is the one that they were judged by.
    """

    file_id: str
    row_numbers: tuple[int, ...]
    fence: int
    contract_sha256: str = ""
