"""Write the dashboards and the alert rules as the files Grafana is provisioned with."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import alerting
from grafana.boards import common, data, drift, health, predictions

FOLDER = Path(__file__).resolve().parent
NOTE = "# Written by `make dashboards`; change grafana/alerting.py instead.\n"


def main() -> None:
    """Write the files that are not what the code writes."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for path, text in stale().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(FOLDER.parent)}")


def stale() -> dict[Path, str]:
    """Return the text of every file that is not what the code writes."""
    return {
        path: text for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    }


def files() -> dict[Path, str]:
    """Return every generated file and its text."""
    found = {FOLDER / "dashboards" / f"{uid}.json": _json(board) for uid, board in documents().items()}
    rules = NOTE + yaml.safe_dump(alerting.rules(), sort_keys=False, width=120, allow_unicode=True)
    return found | {FOLDER / "provisioning" / "alerting" / "rules.yaml": rules}


def documents() -> dict[str, dict[str, Any]]:
    """Return the dashboards as plain values, by uid."""
    boards = {module.UID: encoded(module.build()) for module in (data, predictions, health)}
    boards[predictions.UID]["annotations"] = {"list": [drift.VERSION_CHANGES, common.alerts()]}
    boards[data.UID]["annotations"] = {"list": [common.alerts()]}
    return boards


def encoded(board: Dashboard) -> dict[str, Any]:
    """Return what the SDK writes of a dashboard, as plain values."""
    loaded: dict[str, Any] = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    return loaded


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
