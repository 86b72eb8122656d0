import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from rich.console import Console

import feed
import stack_env
from tabserve.core.errors import TabserveError, UnknownUseCaseError


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A raw bucket and the environment of the stack it belongs to."""
    environment = tmp_path / "stack.env"
    environment.write_text("RAW_BUCKET=raw\nAWS_REGION=us-east-1\nAWS_ACCESS_KEY_ID=x\nAWS_SECRET_ACCESS_KEY=x\n")
    for name in stack_env.read(environment):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(stack_env.apply, "__defaults__", (environment,))
    with mock_aws():
        resource: Any = boto3.resource
        bucket = resource("s3", region_name="us-east-1").Bucket("raw")
        bucket.create()
        yield bucket


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("b.csv", "a b.csv"):
        (folder / name).write_text(name)
    (folder / "truth.json").write_text(json.dumps({"use_case": "iris"}))
    return folder


def arguments(folder: Path, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**{"folder": folder, "every": 0.0, "random": False, "use_case": None} | changes)


def test_every_file_is_uploaded_under_its_use_case(bucket: Any, files: Path) -> None:
    console = Console(record=True, width=200)
    feed.feed(arguments(files), console)
    assert {item.key: item.get()["Body"].read() for item in bucket.objects.all()} == {
        "iris/a b.csv": b"a b.csv",
        "iris/b.csv": b"b.csv",
    }
    assert console.export_text().splitlines() == ["1/2  iris/a b.csv", "2/2  iris/b.csv"]
    feed.feed(arguments(files, use_case="titanic", random=True), console)
    assert sum(item.key.startswith("titanic/") for item in bucket.objects.all()) == 2


def test_what_cannot_be_fed_is_named(bucket: Any, files: Path, tmp_path: Path) -> None:
    console = Console()
    with pytest.raises(UnknownUseCaseError):
        feed.feed(arguments(files, use_case="nothing"), console)
    (files / "truth.json").unlink()
    with pytest.raises(TabserveError, match=r"no truth.json; say what the files are"):
        feed.feed(arguments(files), console)
    with pytest.raises(TabserveError, match="holds no CSV files"):
        feed.feed(arguments(tmp_path / "absent"), console)


def test_without_a_running_stack_nothing_is_fed(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_env.apply, "__defaults__", (tmp_path / "absent.env",))
    with pytest.raises(TabserveError, match="nothing is running; start it with make up"):
        feed.feed(arguments(files), Console())
