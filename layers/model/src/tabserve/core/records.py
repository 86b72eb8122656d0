"""Records: the values of one, where they come from, and what is wrong with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Source = Literal["webapp", "scheduled", "api", "queue"]
SOURCES: tuple[Source, ...] = get_args(Source)

# Whose answer is given: the champion's, or a canary's to its share of the entities. A challenger's other answers are
# stored beside those: a shadow's to the same rows in the same call, a replay's afterwards.
AnswerRole = Literal["champion", "canary"]
BesideRole = Literal["shadow", "replay"]
BESIDE_ROLES: tuple[BesideRole, ...] = get_args(BesideRole)


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
