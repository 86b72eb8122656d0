"""Say what is going on, how long it has been going on, and how long it took."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Step = Callable[[str], AbstractContextManager[None]]


class Steps:
    """One line for each step, with its seconds when it is done; on a terminal they run along."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    @contextlib.contextmanager
    def __call__(self, title: str) -> Iterator[None]:
        """Show a step while the block runs."""
        started = time.monotonic()
        if self.console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Progress(*columns, console=self.console, transient=True) as progress:
                progress.add_task(title)
                yield
            self.console.print(f"  [green]✓[/] {title} ({time.monotonic() - started:.1f} s)")
            return
        self.console.print(f"  {title} ...", end="")
        self.console.file.flush()
        try:
            yield
        except BaseException:
            self.console.print()
            raise
        self.console.print(f" {time.monotonic() - started:.1f} s")


@contextlib.contextmanager
def silent(title: str) -> Iterator[None]:  # noqa: ARG001
    """Show nothing: for tests."""
    yield
