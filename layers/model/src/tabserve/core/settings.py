"""The one reader of the environment and of `.env`; pydantic-settings would cost a cold start 60 ms."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tabserve.core.errors import SettingsError

DatabaseUrl = Annotated[
    str, StringConstraints(pattern=r"^(postgresql|sqlite)(\+\w+)?://.+|^arn:aws[\w-]*:secretsmanager:.+")
]


DOTENV: Final = Path(".env")
# Beside the package: a link to the project's folder there, a copy of it in the layer.
USE_CASES: Final = Path(__file__).resolve().parents[2] / "use_cases"


class Settings(BaseModel):
    """What a process of tabserve is told from outside; names as in the environment, in lower case."""

    model_config = ConfigDict(frozen=True)

    database_url: DatabaseUrl = Field(default="", description="postgresql://… or sqlite:///… or the ARN of a secret")
    aws_endpoint_url: AnyHttpUrl | None = Field(default=None, description="http://host:port of an emulator")
    aws_region: str = "us-east-1"
    predict_function: str = ""
    api_key: str = ""
    raw_bucket: str = ""
    good_bucket: str = ""
    bad_bucket: str = ""
    artifacts_bucket: str = ""
    markers_table: str = ""
    features_table: str = ""
    ingest_queue_url: str = ""
    predict_queue_url: str = ""
    features_queue_url: str = ""
    results_queue_url: str = ""
    alert_topic_arn: str = ""
    alert_webhook_url: str = ""
    dashboards_url: str = ""
    ui_url: str = ""
    default_use_case: str = ""
    use_cases_dir: Path = USE_CASES
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    def require(self, *names: str) -> None:
        """Raise SettingsError when one of the settings is empty."""
        missing = [name.upper() for name in names if not getattr(self, name)]
        if missing:
            raise SettingsError(f"Missing setting {', '.join(missing)}: set it in the environment or in .env.")


def read_settings() -> Settings:
    """Read and check all settings; raise SettingsError with one sentence that names the first wrong one."""
    found = {**_dotenv(), **os.environ}
    given = {name: value for name in Settings.model_fields if (value := found.get(name.upper()))}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        wanted = Settings.model_fields[name].description
        raise SettingsError(f"Malformed setting {name.upper()}: {wanted or first['msg']}.") from error


def _dotenv() -> Mapping[str, str | None]:
    if not DOTENV.is_file():
        return {}
    from dotenv import dotenv_values

    return dotenv_values(DOTENV)
