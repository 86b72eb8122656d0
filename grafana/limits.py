"""Thresholds of panels and alert rules: those the monitor fires at."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TABSERVE = ROOT / "layers" / "model" / "src" / "tabserve"


def alert_rules() -> dict[str, Any]:
    """Return the rules the monitor reads."""
    loaded: dict[str, Any] = yaml.safe_load((TABSERVE / "alert_rules.yaml").read_text(encoding="utf-8"))
    return loaded


def drift_limits() -> dict[str, float]:
    """Return the effect sizes of drift; they must be the same in all bundled use cases, as panels show them all."""
    definitions = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((TABSERVE / "use_cases").glob("*.yaml"))
    ]
    found: list[dict[str, float]] = [each["monitoring"]["drift"] for each in definitions]
    if any(each != found[0] for each in found):
        raise ValueError("the bundled use cases differ in their limits of drift")
    return found[0]
