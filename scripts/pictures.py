"""Note which code the pictures of the documents show, so that a test can say when they are stale.

Run it alone after a change of that code that nobody sees; the commands that take pictures run it by themselves.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from stack_env import ROOT

NOTE = "shown.json"
SHOWN = {"docs/screenshots": "ui/views/*.py", "docs/images": "grafana/boards/*.py"}


def main() -> int:
    """Write the notes beside the pictures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for folder in SHOWN:
        note(folder)
    return 0


def note(folder: str) -> None:
    """Note what the pictures of a folder show now."""
    (ROOT / folder / NOTE).write_text(json.dumps(shown(folder), indent=1) + "\n", encoding="utf-8")


def stale(folder: str) -> list[str]:
    """Return the modules that are no longer what the pictures show."""
    path = ROOT / folder / NOTE
    noted, now = json.loads(path.read_text()) if path.is_file() else {}, shown(folder)
    return sorted(name for name in noted.keys() | now.keys() if noted.get(name) != now.get(name))


def shown(folder: str) -> dict[str, str]:
    """Return a digest of each module that draws a folder's pictures, whatever its line breaks."""
    return {str(path.relative_to(ROOT)): _digest(path) for path in sorted(ROOT.glob(SHOWN[folder]))}


def _digest(path: Path) -> str:
    return hashlib.sha256("".join(path.read_text("utf-8").split()).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
