from pathlib import Path

import pytest

from tabserve.core.errors import SettingsError
from tabserve.core.settings import Settings, read_settings
from tabserve.serving.build import predict_service


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_what_is_not_set_has_its_default() -> None:
    assert read_settings() == Settings()


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("RAW_BUCKET=from-file\nGOOD_BUCKET='from file'\nunknown=1\n")
    monkeypatch.setenv("RAW_BUCKET", "from-environment")

    settings = read_settings()

    assert (settings.raw_bucket, settings.good_bucket) == ("from-environment", "from file")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    monkeypatch.setenv("LOG_LEVEL", "")

    assert read_settings() == Settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DATABASE_URL", "mysql://x", "Malformed setting DATABASE_URL: postgresql://… or sqlite:///…"),
        ("AWS_ENDPOINT_URL", "localhost", "Malformed setting AWS_ENDPOINT_URL: http://host:port"),
        ("LOG_LEVEL", "LOUD", "Malformed setting LOG_LEVEL: DEBUG, INFO"),
    ],
)
def test_a_malformed_setting_is_named_with_what_would_be_right(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as raised:
        read_settings()

    assert str(raised.value).startswith(message)
    assert value not in str(raised.value)


def test_every_setting_says_what_it_is_about() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_what_is_not_declared_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAW_BUCKET", "raw")
    monkeypatch.setenv("GOOD_BUCKET", "good")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("DATABASE_URL", "malformed")

    settings = read_settings(["raw_bucket"], ["ui_url"])

    assert settings == Settings(raw_bucket="raw", aws_region="eu-north-1")


def test_the_api_does_not_start_open_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///unused.db")

    with pytest.raises(SettingsError, match="Missing setting API_KEY: set it"):
        predict_service()


def test_a_setting_that_is_needed_is_named() -> None:
    with pytest.raises(SettingsError, match="Missing setting API_KEY, RAW_BUCKET"):
        read_settings().require("api_key", "raw_bucket", "aws_region")
