"""The alert rules from their YAML file."""

from pathlib import Path

import yaml

from tabserve.monitoring.alert_rules import AlertRules

PATH = Path(__file__).with_name("alert_rules.yaml")


def load_alert_rules(path: Path = PATH) -> AlertRules:
    """Read the rules; raise pydantic's ValidationError when the file breaks one."""
    return AlertRules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
