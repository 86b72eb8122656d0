"""Bad rows out of quarantine, repaired, and in again."""

import csv
from pathlib import Path
from typing import Any

import pytest

import quarantine
from tests.integration.ingestion.test_ingest_function import CONTEXT, HEADER, app, drop, rows, s3

__all__ = ["app", "s3"]
RAW = f"{HEADER}\n1,3,male,22,7.25,S\n2,3,MALE,22,7.25,S\n3,3,male,=1+1,7.25,S\n4,3,MALE,-22,7.25,S\n"


def event_for(key: str, etag: str) -> dict[str, Any]:
    import json

    item = {"key": key, "eTag": etag}
    body = {"Records": [{"s3": {"bucket": {"name": "raw"}, "object": item}}]}
    return {"Records": [{"messageId": "1", "body": json.dumps(body)}]}


def test_bad_rows_are_exported_repaired_and_submitted(
    app: Any,
    s3: Any,
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("stack_env.apply", lambda: True)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    app.handler(drop(s3, RAW.encode()), CONTEXT)
    [(file_id,)] = rows(sqlite_url, "SELECT file_id FROM ingestions")

    assert quarantine.main(["list"]) == 0
    assert file_id[:12] in capsys.readouterr().out
    exported = tmp_path / "repair.csv"
    assert quarantine.main(["export", file_id[:12], "--out", str(exported)]) == 0
    with exported.open(newline="") as stream:
        header, first, second, third = csv.reader(stream)
    assert header == [*HEADER.split(","), *quarantine.NOTES]
    assert first[-2:] == ["2", "Sex case_variant"]
    assert (second[3], third[3]) == ("'=1+1", "-22")

    exported.write_text(exported.read_text().replace("MALE", "male").replace("'=1+1", "30").replace("-22", "22"))
    assert quarantine.main(["submit", file_id[:12], str(exported)]) == 0
    key = f"titanic/first 100%.repaired-{file_id[:12]}.csv"
    submitted = s3.get_object(Bucket="raw", Key=key)
    assert submitted["Metadata"] == {"repairs-file-id": file_id}
    app.handler(event_for(key.replace("%", "%25").replace(" ", "+"), submitted["ETag"].strip('"')), CONTEXT)
    assert rows(sqlite_url, f"SELECT rows_good, rows_bad FROM ingestions WHERE key = '{key}'") == [(3, 0)]


def test_what_cannot_be_done_is_one_sentence(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stack_env.apply", lambda: False)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert quarantine.main(["list"]) == 0
    assert quarantine.main(["export", "abcd"]) == 2
    assert quarantine.main(["export", "x' OR 1=1"]) == 2
    monkeypatch.delenv("DATABASE_URL")
    assert quarantine.main(["list"]) == 2
    assert "Missing setting DATABASE_URL" in capsys.readouterr().err
