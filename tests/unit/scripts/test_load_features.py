"""CSV files on their way into the feature store, from the command line."""

import io
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

import load_features
from load_features import Loader
from tabserve.core.entities import Entity
from tabserve.core.use_case import UseCase
from tabserve.features import service as fill_features
from tests.definitions import CATALOG, FOLDER
from tests.fakes.predictions import FakeFeatures

ROOT = Path(__file__).resolve().parents[3]
TITANIC = CATALOG.get("titanic")
HEADER = "PassengerId,Pclass,Name,Sex,Age,Fare,Embarked"
WRITTEN = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Command:
    """The loader with a store in memory and what it printed."""

    def __init__(self, folder: Path, use_case: UseCase = TITANIC, time_column: str | None = None) -> None:
        self.folder = folder
        self.features = FakeFeatures()
        self.out, self.err = io.StringIO(), io.StringIO()
        out, err = (Console(file=file, soft_wrap=True, highlight=False) for file in (self.out, self.err))
        self.loader = Loader(use_case, self.features, time_column, out, err)

    def load(self, *lines: str, header: str = HEADER, written: datetime = WRITTEN) -> bool:
        path = self.folder / "rows.csv"
        path.write_text("".join(f"{line}\n" for line in (header, *lines)))
        os.utime(path, (written.timestamp(), written.timestamp()))
        return self.loader.load(path)

    @property
    def said(self) -> str:
        return self.out.getvalue().replace(f"{self.folder}/", "").strip()

    @property
    def complained(self) -> list[str]:
        return self.err.getvalue().replace(f"{self.folder}/", "").splitlines()


def test_good_rows_are_stored_and_bad_ones_named_by_line_column_and_rule(tmp_path: Path) -> None:
    command = Command(tmp_path)
    rows = ['1,3,"A\nB",male,-4,7.25,S', "2,3,C,male,22,7.25,S", "2,3,C,male,23,7.25,S", "3,9,[red]D,MALE,22,7.25,S"]
    assert not command.load(*rows)
    assert command.features.entities.keys() == {("titanic", "2")}
    assert command.features.entities["titanic", "2"].features["Age"] == 22.0
    assert command.features.entities["titanic", "2"].event_time == WRITTEN
    assert command.complained == [
        "rows.csv: line 2, column Age: below_minimum: '-4'",
        "rows.csv: line 5, column PassengerId: duplicated_id: '2'",
        "rows.csv: line 6, column Pclass: unknown_category: '9'",
        "rows.csv: line 6, column Sex: case_variant: 'MALE'",
    ]
    assert command.said == "rows.csv: 4 rows: 1 stored, 0 not newer than what is stored, 3 bad"


def test_loading_again_changes_nothing_and_an_older_file_does_not_win(tmp_path: Path) -> None:
    command = Command(tmp_path)
    assert command.load("1,3,A,male,22,7.25,S")
    assert command.load("1,3,A,male,22,7.25,S")
    assert command.load("1,3,A,male,21,7.25,S", written=WRITTEN.replace(hour=11))
    assert command.features.entities["titanic", "1"].features["Age"] == 22.0
    assert command.said.splitlines()[1:] == ["rows.csv: 1 rows: 0 stored, 1 not newer than what is stored, 0 bad"] * 2


def test_a_column_can_say_how_old_each_row_is(tmp_path: Path) -> None:
    command = Command(tmp_path, time_column="Seen")
    rows = ["1,3,A,male,abc,7,S,2026-01-01", "2,3,A,male,22,7.25,S,soon", "3,3,A,male,22,7.25,S,2026-01-01T08:00:00Z"]
    assert not command.load(*rows, header=f"{HEADER},Seen")
    assert command.features.entities["titanic", "3"].event_time == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert command.complained[-1] == "rows.csv: row 2, column Seen: not_a_time"
    assert command.said.endswith("3 rows: 1 stored, 0 not newer than what is stored, 2 bad")


def test_a_file_that_cannot_be_split_is_rejected_and_the_next_one_is_not(tmp_path: Path) -> None:
    command = Command(tmp_path, time_column="Seen")
    assert not command.load("1", header="PassengerId")
    assert not command.load("1,3,A,male,22,7.25,S")
    assert [line.partition("rejected: ")[2] for line in command.complained] == [
        "The header lacks Pclass, Sex, Age, Fare, Embarked.",
        "the file has no column Seen.",
    ]
    assert not command.features.entities


def test_only_the_first_bad_rows_are_named(tmp_path: Path) -> None:
    command = Command(tmp_path)
    assert not command.load(*(f"{number},9,A,male,22,7.25,S" for number in range(50)))
    assert len(command.complained) == load_features.NAMED + 1
    assert command.complained[-1] == "rows.csv: and 30 more bad rows"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stack-env", "nowhere"], "nothing is running; start it with make up"),
        (["--stack-env", "env", "--use-case", "tulips"], "Unknown use case 'tulips'"),
        (["--stack-env", "env"], "rows.csv is no file"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "env").write_text("FEATURES_TABLE=features\n")
    command = [sys.executable, str(ROOT / "scripts/load_features.py"), "--use-case", "titanic", "rows.csv", *arguments]
    env = {"PATH": os.defpath, "USE_CASES_DIR": str(FOLDER)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


class Interrupted(FakeFeatures):
    """Somebody presses Ctrl-C after the first piece."""

    def put(self, use_case: str, entities: Iterable[Entity]) -> int:
        if self.entities:
            raise KeyboardInterrupt
        return super().put(use_case, entities)


def test_ctrl_c_says_how_far_it_got_and_starting_again_stores_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill_features, "ROWS_PER_PIECE", 10)
    command = Command(tmp_path)
    command.loader.store = Interrupted()
    rows = [f"{number},3,A,male,22,7.25,S" for number in range(25)]
    with pytest.raises(KeyboardInterrupt):
        command.load(*rows)
    assert command.complained == ["rows.csv: stopped after 10 good rows, 10 stored"]
    command.loader.store = FakeFeatures(command.loader.store.entities)
    assert command.load(*rows)
    assert command.said == "rows.csv: 25 rows: 15 stored, 10 not newer than what is stored, 0 bad"
