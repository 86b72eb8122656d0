"""Note which code the pictures of the documents show, so that a test can say when they are stale.

Run it alone after a change of that code that nobody sees; `scripts/screenshots.py` runs it by itself.
"""

import argparse
import hashlib
import json
import sys

from stack_env import ROOT

NOTE = ROOT / "docs/screenshots/shown.json"
SHOWN = ("grafana/boards/*.py", "ui/views/*.py")


def main() -> int:
    """Write the note beside the pictures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    note()
    return 0


def note() -> None:
    """Note what the pictures show now."""
    NOTE.write_text(json.dumps(shown(), indent=1) + "\n", encoding="utf-8")


def stale() -> list[str]:
    """Return the modules that are no longer what the pictures show."""
    noted, now = json.loads(NOTE.read_text()), shown()
    return sorted(name for name in noted.keys() | now.keys() if noted.get(name) != now.get(name))


def shown() -> dict[str, str]:
    """Return a digest of each module that the pictures show, whatever its line breaks."""
    paths = sorted(path for pattern in SHOWN for path in ROOT.glob(pattern))
    texts = {str(path.relative_to(ROOT)): "".join(path.read_text("utf-8").split()) for path in paths}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in texts.items()}


if __name__ == "__main__":
    sys.exit(main())
