"""The one reader of the environment and of `.env`; pydantic-settings would cost a cold start 60 ms."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tabserve.core.errors import SettingsError

DatabaseUrl = Annotated[
    str, StringConstraints(pattern=r"^(postgresql|sqlite)(\+\w+)?://.+|^arn:aws[\w-]*:secretsmanager:.+")
]

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

DOTENV: Final = Path(".env")
# Beside the package: a link to the project's folder there, a copy of it in the layer.
USE_CASES: Final = Path(__file__).resolve().parents[2] / "use_cases"


# What any process may be told.
EVERYWHERE: Final = ("aws_endpoint_url", "aws_region", "log_level", "use_cases_dir")


class Settings(BaseModel):
    """What a process of tabserve is told from outside; names as in the environment, in lower case."""

    model_config = ConfigDict(frozen=True)

    database_url: DatabaseUrl = Field(default="", description="postgresql://… or sqlite:///… or the ARN of a secret")
    aws_endpoint_url: AnyHttpUrl | None = Field(default=None, description="http://host:port of an emulator")
    aws_region: str = Field(default="us-east-1", description="the region of everything named here")
    predict_function: str = Field(default="", description="the prediction function, which scheduled runs invoke")
    parallel_calls: int = Field(default=4, ge=1, le=32, description="how many chunks scheduled runs ask for at once")
    api_key: str = Field(default="", description="what callers of the API send as x-api-key")
    raw_bucket: str = Field(default="", description="the bucket of raw files")
    good_bucket: str = Field(default="", description="the bucket of good rows")
    bad_bucket: str = Field(default="", description="the bucket of bad rows")
    artifacts_bucket: str = Field(default="", description="the bucket of models, reports and large answers")
    markers_table: str = Field(default="", description="the DynamoDB table of run markers")
    features_table: str = Field(default="", description="the DynamoDB table of the feature store")
    ingest_queue_url: str = Field(default="", description="the queue of raw files to be ingested")
    features_queue_url: str = Field(default="", description="the queue of good files whose features are to be stored")
    results_queue_url: str = Field(default="", description="the queue of the answers to queued predictions")
    alert_topic_arn: str = Field(default="", description="the SNS topic that alerts are published to; none when empty")
    alert_webhook_url: str = Field(default="", description="the Teams workflow that gets alerts; none when empty")
    dashboards_url: str = Field(default="", description="the Grafana that alerts link to; no links when empty")
    ui_url: str = Field(default="", description="the web page that alerts and reports link to; no links when empty")
    mlflow_tracking_uri: str = Field(default="", description="the MLflow that training records in too; none when empty")
    default_use_case: str = Field(
        default="", description="the use case of a bare record, and of a raw file in no folder; none when empty"
    )
    use_cases_dir: Path = Field(default=USE_CASES, description="the folder of the definitions of use cases")
    log_level: LogLevel = Field(default="INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL")

    def require(self, *names: str) -> None:
        """Raise SettingsError when one of the settings is empty."""
        missing = [name.upper() for name in names if not getattr(self, name)]
        if missing:
            raise SettingsError(f"Missing setting {', '.join(missing)}: set it in the environment or in .env.")


def read_settings(needs: Sequence[str] = (), optional: Sequence[str] = tuple(Settings.model_fields)) -> Settings:
    """Read and check the settings that are declared; raise SettingsError with one sentence that names what is wrong."""
    found = {**_dotenv(), **os.environ}
    names = {*needs, *optional, *EVERYWHERE}
    try:
        settings = Settings.model_validate({name: value for name in names if (value := found.get(name.upper()))})
    except ValidationError as error:
        wrong = sorted({str(each["loc"][0]) for each in error.errors()})
        wanted = "; ".join(f"{name.upper()}: {Settings.model_fields[name].description}" for name in wrong)
        raise SettingsError(f"Malformed setting {wanted}.") from error
    settings.require(*needs)
    return settings


def _dotenv() -> Mapping[str, str | None]:
    if not DOTENV.is_file():
        return {}
    from dotenv import dotenv_values

    return dotenv_values(DOTENV)
