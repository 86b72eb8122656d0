"""Try again what an outage let fail."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def retried(
    work: Callable[[], T],
    pauses: Sequence[float],
    when: type[Exception] | Callable[[Exception], bool],
    sleep: Callable[[float], None] | None = None,
) -> T:
    """Do `work`, and once more after each pause while it fails in the way that `when` names; repeating must do no harm.

    A pause lasts a random part of its seconds, so that callers who failed together do not come back together.
    """
    for pause in pauses:
        try:
            return work()
        except Exception as error:
            if not (isinstance(error, when) if isinstance(when, type) else when(error)):
                raise
        (sleep or time.sleep)(random.uniform(0, pause))  # noqa: S311  spreads callers, guards no secret
    return work()
