"""Forks a process for each job; everything is imported by then, no connection is open and no thread runs."""

import gc
import os
import signal
import sys
import time
from importlib import import_module
from multiprocessing.connection import Listener
from pathlib import Path

from tabserve.batch import score_file
from tabserve.core import clock as system_clock
from tests.kill.worker import Clock, Process, wait_for

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
IMPORTED_LATE = ("encodings.idna", "hypothesis", "pandera.backends.polars.builtin_checks")
LONGEST_PAUSE_S = 0.01


def main(address: str, webhook_port: int) -> None:
    """Import all functions, then fork a process for each connection."""
    time.sleep = lambda seconds: wait_for(min(float(seconds), LONGEST_PAUSE_S))  # back-off is not what is tested
    score_file.CHUNK = 400  # the long file is of three chunks, the last two of which are in the air at once
    clock = Clock()
    system_clock.utc_now = clock
    for module in sorted(FUNCTIONS.glob("*/app.py")):
        import_module(f"functions.{module.parent.name}.app")
    for name in IMPORTED_LATE:
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with Listener(address) as listener:
        while True:
            with listener.accept() as connection:
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    Process(connection, clock).run(webhook_port)
                    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
