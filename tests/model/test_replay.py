"""Past predictions asked again of another version, on a real database."""

import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import replay
from tabserve.core.database import Database
from tabserve.core.tables import challenger_predictions, predictions
from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.serving.prediction import GroundTruth
from tabserve.serving.store import prediction_store
from tests.definitions import CATALOG
from tests.factories import NOON, batch
from tests.model.test_release import FIRST, NAME, SECOND, registry

__all__ = ["registry"]
pytestmark = pytest.mark.parametrize("use_case", [NAME], indirect=True)
Run = Callable[..., tuple[int, str]]
FLOWERS = ((5.1, 6.7), (3.5, 3.0), (1.4, 5.2), (0.2, 2.3))  # two of them, and below a third that cannot be


@pytest.fixture
def database(postgres_url: str, use_case: UseCase) -> Any:
    """Three predictions, the last of a record that breaks a rule by now, and the outcomes of two."""
    columns = {name: [*pair, -1.0] for name, pair in zip(use_case.feature_names, FLOWERS, strict=True)}
    answered = batch(3, use_case=NAME, columns=columns, model_version=FIRST, created_at=NOON)
    store = prediction_store(postgres_url)
    store.add(answered)
    truths = [GroundTruth(use_case.target.texts[place], prediction_id=answered.ids[place]) for place in (0, 1)]
    assert store.record_ground_truth(NAME, truths, NOON) == [True, True]
    with closing(Database(postgres_url)) as database:
        yield database


@pytest.fixture
def replayed(
    database: Database,
    registry: Registry,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run the command; return its exit code and what it says, on one line."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("ARTIFACTS_BUCKET", "none")
    monkeypatch.setattr("stack_env.apply", lambda: True)
    monkeypatch.setattr(replay, "registry", lambda _: registry)
    monkeypatch.setattr(replay, "catalog", lambda _: CATALOG)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["replay.py", "--use-case", NAME, *arguments])
        code = replay.main()
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


def rows(database: Database, table: Any) -> list[Any]:
    return database.run(lambda connection: list(connection.execute(select(table)).mappings()))


def test_what_another_version_says_is_kept_beside_and_told(replayed: Run, database: Database) -> None:
    before = rows(database, predictions)
    code, said = replayed("--model", SECOND)
    assert code == 0
    assert f"iris: 2 of 3 predictions asked again of {SECOND}" in said
    assert "1 records cannot be asked: " in said
    assert "below_minimum" in said
    assert "2 outcomes are known: accuracy" in said
    assert "2 answers stored beside the predictions" in said
    assert rows(database, predictions) == before
    beside = rows(database, challenger_predictions)
    assert {(row["role"], row["model_version"]) for row in beside} == {("replay", SECOND)}
    assert {row["prediction_id"] for row in beside} == {row["id"] for row in before[:2]}
    assert [row["prediction"] for row in sorted(beside, key=lambda row: row["prediction_id"])] == [
        "setosa",
        "virginica",
    ]


def test_a_second_run_adds_nothing(replayed: Run, database: Database) -> None:
    replayed("--model", SECOND)
    first = rows(database, challenger_predictions)
    assert "0 answers stored beside the predictions, 2 were there" in replayed("--model", SECOND)[1]
    assert rows(database, challenger_predictions) == first


def test_a_dry_run_stores_nothing(replayed: Run, database: Database) -> None:
    assert "2 of 3 predictions asked again" in replayed("--model", "champion", "--dry-run")[1]
    assert rows(database, challenger_predictions) == []


def test_predictions_of_other_times_are_left_out(replayed: Run) -> None:
    after = (NOON + timedelta(seconds=1)).isoformat()
    assert "0 of 0 predictions" in replayed("--model", SECOND, "--from", after)[1]
    assert "0 of 0 predictions" in replayed("--model", SECOND, "--to", NOON.isoformat())[1]
    assert "2 of 3 predictions" in replayed("--model", SECOND, "--from", NOON.isoformat(), "--to", after)[1]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("1999", "'1999' names 0 versions of 'iris'"),
        ("2026", "names 3 versions"),
        ("challenger", "iris has no challenger"),
    ],
)
def test_a_version_that_is_none_is_refused(replayed: Run, database: Database, model: str, message: str) -> None:
    code, said = replayed("--model", model)
    assert (code, rows(database, challenger_predictions)) == (2, [])
    assert message in said


def test_a_tampered_version_answers_nothing(replayed: Run, database: Database, tmp_path: Path) -> None:
    (tmp_path / "models" / NAME / SECOND / "model.onnx").write_bytes(b"tampered")
    code, said = replayed("--model", SECOND)
    assert (code, rows(database, challenger_predictions)) == (2, [])
    assert "is not the file that was registered" in said
