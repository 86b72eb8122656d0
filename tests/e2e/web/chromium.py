"""Find a Chromium to drive: an installed one, Debian's package among them, or Playwright's own."""

import os
import shutil
from pathlib import Path

from playwright.sync_api import Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NONE = "No Chromium here: the browser tests need `apt-get install chromium` or `playwright install chromium`."
SANDBOX = [] if os.geteuid() else ["--no-sandbox"]  # Chromium's sandbox refuses to run as root


def executable(playwright: Playwright) -> str | None:
    """Return the path of a Chromium; None when there is none."""
    installed = next((path for name in NAMES if (path := shutil.which(name))), None)
    own = playwright.chromium.executable_path
    return installed or (own if Path(own).exists() else None)
