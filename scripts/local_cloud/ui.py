"""The web page in front of the stack."""

import os
import sys
from collections.abc import Mapping

from local_cloud import processes
from local_cloud.config import HOST, ROOT, Place

HEALTH = "/_stcore/health"
APP = ROOT / "ui" / "app.py"
NEEDED = ("API_URL", "API_KEY", "READER_DATABASE_URL")  # and nothing else: the page may only read


def start(place: Place, env: Mapping[str, str]) -> processes.Server:
    """Start the page and wait until it answers."""
    options = {"server.address": HOST, "server.port": place.ports.ui}
    server = processes.start(
        "ui",
        [sys.executable, "-m", "ui", *(f"--{name}={value}" for name, value in options.items())],
        place,
        env={"PATH": os.defpath, "HOME": str(place.folder), **{name: env[name] for name in NEEDED}},
        cwd=ROOT,
    )
    server.wait_until(lambda: processes.answers(env["UI_URL"] + HEALTH))
    return server
