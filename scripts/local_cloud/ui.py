"""The web page in front of the stack."""

import os
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from local_cloud import processes
from local_cloud.config import HOST, ROOT, Place

APP = ROOT / "ui" / "app.py"


def start(place: Place, env: Mapping[str, str]) -> processes.Server:
    """Start the page and wait until it answers."""
    options = {
        "server.address": HOST,
        "server.port": place.ports.ui,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    server = processes.start(
        "ui",
        [
            Path(sys.executable).with_name("streamlit"),
            "run",
            APP,
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        place,
        env={"PATH": os.defpath, "HOME": str(place.folder), "PYTHONPATH": str(ROOT), **env},
        cwd=ROOT,
    )
    server.wait_until(lambda: answers(env["UI_URL"]))
    return server


def answers(url: str) -> bool:
    """Whether the page is healthy."""
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
