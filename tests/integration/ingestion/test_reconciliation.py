import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import text

import demo
import reconcile
from tabserve.core.database import Database
from tabserve.core.files import RawFile
from tabserve.ingestion.accounts import file_accounts
from tabserve.ingestion.reconciliation import reconcile as reconciled
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation_result import BadRow
from tabserve.serving.store import prediction_store
from tests.factories import file_batch, ingestion

FILES = [RawFile("raw", "titanic/a.csv", "e1"), RawFile("raw", "titanic/b.csv", "e2")]
FIRST, SECOND = (file.file_id for file in FILES)


@pytest.fixture
def database(database: Database, database_url: str) -> Database:
    """One file of four rows, two of them bad, and a rejected one."""
    store = Ingestions(database)
    split = ingestion(FIRST, key="titanic/a.csv", rows_total=4, rows_good=2, rows_bad=2)
    store.save(split, [], [BadRow(number, number + 1, "", ()) for number in (1, 3)])
    store.save(ingestion(SECOND, key="titanic/b.csv", status="rejected", rows_total=0, rows_good=0, rows_bad=0), [], [])
    prediction_store(database_url).add(file_batch(FIRST, [2, 4]))
    return database


def problems(database: Database) -> list[str]:
    accounts = file_accounts(database)
    assert len(accounts) >= 2
    return [mismatch.problem for mismatch in reconciled(FILES, accounts)]


def change(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(text(statement))


def test_what_is_complete_has_no_mismatch(database: Database) -> None:
    assert problems(database) == []


def test_a_deleted_prediction_is_missed(database: Database) -> None:
    change(database, "DELETE FROM predictions WHERE row_number = 4")

    assert problems(database) == ["1 of 2 good rows have a prediction"]


def test_a_deleted_bad_row_is_missed_and_its_prediction_is_stray(database: Database, database_url: str) -> None:
    prediction_store(database_url).add(file_batch(FIRST, [3, 9]))
    assert problems(database) == ["2 rows that are not good have a prediction"]

    change(database, "DELETE FROM bad_rows WHERE row_number = 1")
    assert problems(database)[0] == "1 of 2 bad rows are in quarantine"


def test_a_row_predicted_by_two_versions_would_be_doubled(database: Database, database_url: str) -> None:
    prediction_store(database_url).add(file_batch(FIRST, [4], model_version="another"))
    assert problems(database) == []

    change(database, "DROP INDEX uq_predictions_file_id_row_number")
    prediction_store(database_url).add(file_batch(FIRST, [4], model_version="another"))

    assert problems(database) == ["1 predictions are doubled"]


def test_a_prediction_of_an_unknown_file_is_stray(database: Database, database_url: str) -> None:
    prediction_store(database_url).add(file_batch("f" * 64, [1]))

    assert problems(database) == ["the file has 0 verdicts", "1 rows that are not good have a prediction"]


def test_the_report_succeeds_only_when_every_row_is_accounted_for(database: Database, database_url: str) -> None:
    console = Console(width=120, record=True, file=io.StringIO())

    assert reconcile.report(console, database_url, FILES) == 0
    printed = console.export_text()
    assert "2 files: 4 rows = 2 good + 2 bad; 2 of 2 good rows predicted" in printed
    assert "reconciliation: ok" in printed

    change(database, "DELETE FROM predictions WHERE row_number = 4")

    assert reconcile.report(console, database_url, FILES) == 1
    printed = console.export_text()
    assert "titanic/a.csv: 1 of 2 good rows have a prediction" in printed
    assert "reconciliation: FAILED" in printed


@pytest.mark.parametrize(
    ("injected", "printed", "code"),
    [
        ([1, 3], "2 defects injected, 2 found, 0 good rows refused", 0),
        ([1, 3, 4], "titanic/a.csv: row 4 missed", 1),
        ([3], "titanic/a.csv: row 1 refused", 1),
    ],
)
def test_verdicts_are_compared_with_the_injected_defects(
    database: Database, database_url: str, tmp_path: Path, injected: list[int], printed: str, code: int
) -> None:
    bad = [{"row_number": number} for number in injected]
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"use_case": "titanic", "files": [{"name": "a.csv", "bad": bad}]}))
    console = Console(width=120, record=True, file=io.StringIO())

    assert demo.compare_with_truth(console, database_url, truth) == code
    assert printed in console.export_text()
