"""The environment of the stack that `make up` runs, as other commands read it."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STACK_ENV = ROOT / ".local/stack.env"
sys.path.append(str(ROOT))  # where `ui`, `functions` and `grafana` are


def read(path: Path = STACK_ENV) -> dict[str, str]:
    """Return the variables of a dotenv file; none when there is no file."""
    if not path.is_file():
        return {}
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def apply(path: Path = STACK_ENV) -> bool:
    """Put a running stack's variables into this process; return whether there is one."""
    variables = read(path)
    os.environ.update(variables)
    return bool(variables)
