"""Bad rows out of quarantine, repaired, and in again."""

import csv
import sys
from pathlib import Path

import httpx
import pytest

import quarantine
from tabserve.core.database import Database
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation_result import BadRow, Reason
from tests.factories import ingestion
from ui.api import ApiClient
from ui.settings import PageSettings

FILE_ID = "abcd" * 16
FORMAT = {"encoding": "utf-8", "delimiter": ",", "decimal": ".", "compression": "none", "strip": False}
HEADER = "PassengerId,Sex,Age"
ROWS = ["2,MALE,22", "3,male,=1+1", '4,MALE,"+1e1"']


class Cloud:
    """The API with its raw bucket: one raw file, and what is handed in."""

    def __init__(self) -> None:
        self.handed_in: dict[str, str] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/raw-files":
            key = "titanic/" + request.read().decode().partition('"name":"')[2].partition('"')[0]
            return httpx.Response(201, json={"key": key, "upload_url": f"http://bucket/{key}"})
        if request.method == "PUT":
            self.handed_in[request.url.path] = request.read().decode()
            return httpx.Response(200)
        if request.url.host == "bucket":
            return httpx.Response(206, text=f"\n{HEADER}\n1,male,22\n")
        told = {"rules": {"case_variant": "another case"}, "format": FORMAT}
        return httpx.Response(200, json={"url": "http://bucket/raw", **told})


@pytest.fixture
def cloud(postgres: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The settings of a stack where one file has bad rows."""
    cloud = Cloud()
    settings = PageSettings(api_url="http://api", api_key="key", database_url=postgres_url, grafana_url="")
    monkeypatch.setattr("stack_env.apply", lambda: True)
    monkeypatch.setattr(quarantine, "read_settings", lambda: settings)
    monkeypatch.setattr(quarantine, "ApiClient", lambda settings: ApiClient(settings, httpx.MockTransport(cloud)))
    bad = [BadRow(at, at + 1, raw, (Reason("Sex", "case_variant", "MALE"),)) for at, raw in enumerate(ROWS, start=2)]
    file = ingestion(FILE_ID, key="titanic/first class.csv", rows_total=4, rows_good=1, rows_bad=3)
    Ingestions(postgres).save(file, [], bad)
    return cloud


def test_bad_rows_are_exported_repaired_and_submitted(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quarantine.main(["list"]) == 0
    assert f"{FILE_ID[:12]}        3 of 4" in capsys.readouterr().out
    exported = tmp_path / "repair.csv"
    assert quarantine.main(["export", FILE_ID[:12], "--out", str(exported)]) == 0
    with exported.open(newline="", encoding="utf-8-sig") as stream:
        header, first, second, third = csv.reader(stream)
    assert header == ["row in the file", "line in the file", "why it is bad", *HEADER.split(",")]
    assert first[:3] == ["2", "3", "Sex: another case (“MALE”)"]
    assert (second[-1], third[-1]) == ("'=1+1", "'+1e1")

    exported.write_text(exported.read_text().replace("MALE,", "male,").replace("'=1+1", "30"))
    assert quarantine.main(["submit", FILE_ID[:12], str(exported)]) == 0
    ((key, body),) = cloud.handed_in.items()
    assert key.startswith("/titanic/first-class-repaired-")
    assert body == f"{HEADER}\n2,male,22\n3,male,30\n4,male,+1e1\n"


def test_what_cannot_be_done_is_one_sentence(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for arguments, message in (
        (["export", "0000"], "No files with bad rows have an id that begins with 0000."),
        (["export", "x' OR 1=1"], "at least four of its hexadecimal digits"),
        (["export", "abcd", "--out", sys.executable], "exists. Name another file with --out."),
        (["submit", "abcd", str(tmp_path / "other.csv")], "is not an exported file"),
        (["submit", "abcd", "nowhere.csv"], "nowhere.csv"),
    ):
        assert quarantine.main(arguments) == 2
        error = capsys.readouterr().err
        assert (message in error, error.count("\n")) == (True, 1)


def test_without_a_stack_the_way_out_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = PageSettings(api_url="", api_key="", database_url="", grafana_url="")
    monkeypatch.setattr(quarantine, "read_settings", lambda: nowhere)
    assert quarantine.main(["list"]) == 2
    assert "start everything with `make up`" in capsys.readouterr().err
