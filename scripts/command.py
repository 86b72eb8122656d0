"""How a command ends: with exit code 0, or with one sentence on standard error."""

from collections.abc import Callable

from rich.console import Console

from tabserve.core.errors import TabserveError


class CommandError(TabserveError):
    """What was asked for cannot be done; say what is missing."""


def ended(work: Callable[[], int | None], stopped: str = "stopped") -> int:
    """Do the work of a command and return its exit code: 2 where that is impossible, 130 after Ctrl-C."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        return work() or 0
    except (TabserveError, OSError) as error:
        errors.print(f"error: {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        errors.print(stopped)
        return 130
