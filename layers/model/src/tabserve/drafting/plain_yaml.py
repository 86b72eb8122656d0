"""Values as YAML that people read: one line each, in quotes only where it matters."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

PLAIN: Final = re.compile(r"[A-Za-z_][\w.-]*")
YAML_WORDS: Final = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})


def flow(value: Any) -> str:  # noqa: ANN401  any plain value
    """Write a value as YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:  # noqa: ANN401  any plain value
    """Write a single value as YAML: texts in quotes unless nobody could take them for something else."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in YAML_WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
