"""A little realistic traffic for every use case, so that pages and dashboards have something to show."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping

from local_cloud import processes
from local_cloud.config import ROOT, Place
from tabserve.core import service as common
from tabserve.core.settings import read_settings

RATE = 2  # rows a second and use case


@contextlib.contextmanager
def running(place: Place, env: Mapping[str, str]) -> Iterator[None]:
    """Send traffic meanwhile; the stack goes on without it."""
    with contextlib.ExitStack() as started:
        for name in common.catalog(read_settings()).names():
            started.callback(_start(place, env, name).stop)
        yield


def _start(place: Place, env: Mapping[str, str], use_case: str) -> processes.Server:
    return processes.start(
        f"traffic-{use_case}",
        [sys.executable, "scripts/traffic.py", f"--use-case={use_case}", f"--rate={RATE}", f"--env={place.env_file}"],
        place,
        env={"PATH": os.defpath, "HOME": str(place.folder), **env},
        cwd=ROOT,
    )
