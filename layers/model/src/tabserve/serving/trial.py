"""A trial of a challenger beside the champion: whose rows it gets, how both score, and when it has failed."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Literal

Role = Literal["champion", "canary", "shadow"]

FAILURES_IN_A_ROW: Final = 3
FAILURES: Final = 3
FAILED_SHARE: Final = 0.01  # of the calls; of a champion they would be answered with an error
RECENT: Final = timedelta(minutes=10)
ENOUGH_CALLS: Final = 100
SLOWER: Final = 3.0  # times the champion's p95 ...
SLOW_S: Final = 0.1  # ... and longer than this, which a caller notices
STEPS: Final = 4  # buckets a doubling: a quantile is at most a tenth off
SHARES: Final = 2.0**64


@dataclass(frozen=True, slots=True)
class ScoringCount:
    """Calls of a version on trial, or of the champion meanwhile, whose scoring took as long as one bucket says.

    `trial` is the number of the alias's move that began the trial, `bucket` an upper bound in seconds, and a failed
    call is one in which the version raised an error, or gave a row no finite answer.
    """

    use_case: str
    trial: int
    role: Role
    model_version: str
    bucket: float
    calls: int
    failures: int
    rows: int
    seconds: float


def bucket(seconds: float) -> float:
    """Return the upper bound of the bucket that a time falls into; the smallest is a microsecond."""
    return float(2.0 ** (math.ceil(STEPS * math.log2(max(seconds, 1e-6))) / STEPS))


def canaries(use_case: str, keys: Sequence[str], share: float) -> list[int]:
    """Return the places of the keys that a canary answers: always the same ones, and more of them for a larger share.

    A key is an entity's id, or else what tells a record from all others.
    """
    limit = share * SHARES
    return [
        place
        for place, key in enumerate(keys)
        if int.from_bytes(sha256(f"{use_case}/{key}".encode("utf-8", "surrogatepass")).digest()[:8]) < limit
    ]


def quantile(counts: Iterable[ScoringCount], share: float) -> float | None:
    """Return within which time, in seconds, a share of the calls was scored; None without calls."""
    calls = defaultdict[float, int](int)
    for each in counts:
        calls[each.bucket] += each.calls
    wanted, below = share * sum(calls.values()), 0
    for upper in sorted(calls):
        if below + calls[upper] >= wanted:
            return float(upper * 2 ** ((max(wanted - below, 0) / calls[upper] - 1) / STEPS))
        below += calls[upper]
    return None


def verdict(counts: Sequence[ScoringCount]) -> str | None:
    """Return why a trial must stop by what was counted of it lately, None while it may go on."""
    champion = [each for each in counts if each.role == "champion"]
    challenger = [each for each in counts if each.role != "champion"]
    calls, failures = sum(each.calls for each in challenger), sum(each.failures for each in challenger)
    if failures >= FAILURES and failures > FAILED_SHARE * calls:
        return f"it failed in {failures} of {calls} calls"
    slow, usual = quantile(challenger, 0.95), quantile(champion, 0.95)
    if slow is not None and usual is not None and calls >= ENOUGH_CALLS and slow > max(SLOW_S, SLOWER * usual):
        return f"it takes {slow:.2g} s to score in one of twenty calls, the champion {usual:.2g} s"
    return None
