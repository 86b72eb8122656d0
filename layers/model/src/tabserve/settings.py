"""The one reader of the environment and of `.env`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tabserve.errors import SettingsError

DatabaseUrl = Annotated[
    str, StringConstraints(pattern=r"^(postgresql|sqlite)(\+\w+)?://.+|^arn:aws[\w-]*:secretsmanager:.+")
]


class Settings(BaseSettings):
    """What a process of tabserve is told from outside; names as in the environment, in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, validate_default=False
    )

    database_url: DatabaseUrl = Field(default="", description="postgresql://… or sqlite:///… or the ARN of a secret")
    aws_endpoint_url: AnyHttpUrl | None = Field(default=None, description="http://host:port of an emulator")
    aws_region: str = "us-east-1"
    predict_url: str = ""
    api_key: str = ""
    token_url: AnyHttpUrl | None = Field(default=None, description="https://… of an OAuth 2 token endpoint")
    token_client_id: str = ""
    token_client_secret: str = ""
    token_scope: str = ""
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
    default_use_case: str = ""
    use_cases_dir: Path | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    def require(self, *names: str) -> None:
        """Raise SettingsError when one of the settings is empty."""
        missing = [name.upper() for name in names if not getattr(self, name)]
        if missing:
            raise SettingsError(f"Missing setting {', '.join(missing)}: set it in the environment or in .env.")


def read_settings() -> Settings:
    """Read and check all settings; raise SettingsError with one sentence that names the first wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        wanted = Settings.model_fields[str(first["loc"][0]).lower()].description
        raise SettingsError(f"Malformed setting {name}: {wanted or first['msg']}.") from error
