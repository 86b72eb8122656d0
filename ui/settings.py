"""Where the API and the database are; read from the environment or from what `make up` wrote."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class PageSettings:
    """What the page needs to know; a setting that nobody made is an empty text."""

    api_url: str
    api_key: str
    database_url: str
    grafana_url: str


def read_settings(environment: Mapping[str, str] | None = None, stack_file: Path | None = None) -> PageSettings:
    """Read the environment, and `.local/stack.env` for what is missing there."""
    given = os.environ if environment is None else environment
    path = stack_file or Path(given.get("STACK_ENV_FILE") or ROOT / ".local" / "stack.env")
    known = {**_dotenv(path), **given}
    return PageSettings(
        api_url=known.get("API_URL", "").rstrip("/"),
        api_key=known.get("API_KEY", ""),
        database_url=known.get("READER_DATABASE_URL", ""),
        grafana_url=known.get("GRAFANA_URL", ""),
    )


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}
