"""Thresholds of panels and alert rules that hold for all use cases: those the monitor fires at."""

from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).resolve().parent.parent / "layers/model/src/tabserve/monitoring/alert_rules.yaml"


def alert_rules() -> dict[str, Any]:
    """Return the rules the monitor reads."""
    loaded: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return loaded
