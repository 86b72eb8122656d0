"""Past files judged again: what changes is told, and what is known stays as it is."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rejudge
import stack_env
from tests.definitions import FOLDER
from tests.factories import CONTEXT
from tests.integration.ingestion.test_ingest_function import BUCKETS, HEADER, KEY, NAMES, drop, keys, rows, s3
from tests.lambdas import started

__all__ = ["s3"]
LINES = ("1,3,male,22,7.25,S", "2,4,female,38,71.28,C", "3,1,female,61,80,C")


@pytest.fixture
def app(s3: Any, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(stack_env, "apply", lambda: True)
    return started("ingest", monkeypatch, DATABASE_URL=sqlite_url, **NAMES)


@pytest.fixture
def judged(app: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command; return what it prints, on one line."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["rejudge.py", "--use-case", "titanic", *arguments])
        assert rejudge.main() == 0
        return " ".join(capsys.readouterr().out.split())

    return run


def changed_definition(folder: Path, before: str, after: str) -> Path:
    path = folder / "titanic.yaml"
    text = (FOLDER / "titanic.yaml").read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return path


def everything(s3: Any, url: str) -> Any:
    objects = {
        bucket: {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys(s3, bucket)}
        for bucket in BUCKETS
    }
    return objects, rows(url, "SELECT * FROM ingestions"), rows(url, "SELECT * FROM bad_rows")


def test_a_changed_rule_tells_which_rows_it_moves_and_overwrites_nothing(
    app: Any, s3: Any, sqlite_url: str, tmp_path: Path, judged: Callable[..., str]
) -> None:
    app.handler(drop(s3, "\n".join((HEADER, *LINES)).encode()), CONTEXT)
    before = everything(s3, sqlite_url)
    definition = changed_definition(tmp_path, "maximum: 120", "maximum: 60")
    out = tmp_path / "out"
    text = judged("--definition", str(definition), "--out", str(out))
    assert "1 files with 3 rows" in text
    assert "1 rows are bad now: Age above_maximum" in text
    assert everything(s3, sqlite_url) == before
    (good,) = out.rglob("good.csv")
    assert good.read_text().splitlines() == [f"row_number,{HEADER}", "1,1,3,male,22,7.25,S"]
    (report,) = out.rglob("report.html")
    assert "above" in report.read_text()


def test_the_present_definition_finds_nothing_new_and_says_so(app: Any, s3: Any, judged: Callable[..., str]) -> None:
    app.handler(drop(s3, "\n".join((HEADER, *LINES)).encode()), CONTEXT)
    known = {bucket: keys(s3, bucket) for bucket in ("raw", "good", "bad")}
    assert "no file and no row has another verdict" in judged()
    assert {bucket: keys(s3, bucket) for bucket in ("raw", "good", "bad")} == known
    again = [key for key in keys(s3, "artifacts") if key.startswith("rejudged/titanic/")]
    assert sorted(Path(key).name for key in again) == ["bad.csv", "good.csv", "report.html"]
    assert "no file and no row has another verdict" in judged()  # again changes nothing


def test_a_rule_that_falls_makes_rows_good(
    app: Any, s3: Any, sqlite_url: str, tmp_path: Path, judged: Callable[..., str]
) -> None:
    app.handler(drop(s3, "\n".join((HEADER, "1,3,male,130,7.25,S", LINES[0])).encode()), CONTEXT)
    definition = changed_definition(tmp_path, "maximum: 120", "maximum: 140")
    text = judged("--definition", str(definition), "--out", str(tmp_path / "out"))
    assert "1 rows were bad and are good now: Age above_maximum" in text


def test_files_of_other_days_and_files_that_are_gone_are_left_out(
    app: Any, s3: Any, judged: Callable[..., str]
) -> None:
    app.handler(drop(s3, "\n".join((HEADER, *LINES)).encode()), CONTEXT)
    assert "0 files with 0 rows" in judged("--to", "2001-01-01")
    s3.delete_object(Bucket="raw", Key=KEY)
    assert "0 files with 0 rows" in judged()


def test_another_use_cases_definition_and_a_time_that_is_none_are_refused(
    app: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["rejudge.py", "--use-case", "titanic", "--definition", str(FOLDER / "iris.yaml")]
    monkeypatch.setattr(sys, "argv", arguments)
    assert rejudge.main() == 2
    assert "iris.yaml defines 'iris', not 'titanic'" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["rejudge.py", "--use-case", "titanic", "--from", "yesterday"])
    with pytest.raises(SystemExit):
        rejudge.main()
    assert "'yesterday' is no time such as 2026-11-30" in capsys.readouterr().err
