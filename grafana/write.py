"""Write the dashboards and the alert rules as the files Grafana is provisioned with; `--check` only compares."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import alerting
from grafana.boards import data, health, predictions

FOLDER = Path(__file__).resolve().parent
NOTE = "# Written by `make dashboards`; change grafana/alerting.py instead.\n"


def main() -> int:
    """Write or compare; exit with 1 when a file is not what the code would write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, name files that differ")
    check = parser.parse_args().check
    stale = [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check:
        for path in stale:
            print(
                f"{path.relative_to(FOLDER.parent)} is not what the code writes: run make dashboards", file=sys.stderr
            )
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(FOLDER.parent)}")
    return 0


def files() -> dict[Path, str]:
    """Return every generated file and its text."""
    found = {FOLDER / "dashboards" / f"{uid}.json": _json(board) for uid, board in documents().items()}
    rules = NOTE + yaml.safe_dump(alerting.rules(), sort_keys=False, width=120, allow_unicode=True)
    return found | {FOLDER / "provisioning" / "alerting" / "rules.yaml": rules}


def documents() -> dict[str, dict[str, Any]]:
    """Return the dashboards as plain values, by uid."""
    boards = {module.UID: encoded(module.build()) for module in (data, predictions, health)}
    boards[predictions.UID]["annotations"] = {"list": [predictions.VERSION_CHANGES]}
    return boards


def encoded(board: Dashboard) -> dict[str, Any]:
    """Return what the SDK writes of a dashboard, as plain values."""
    loaded: dict[str, Any] = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    return loaded


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
