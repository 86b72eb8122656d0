"""Good files that wait for predictions."""

from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import pytest

from tabserve.batch.ports import PendingFileStore
from tabserve.batch.store import PendingFiles
from tabserve.core.database import Database
from tabserve.core.errors import LeaseLostError
from tabserve.ingestion.ports import IngestionStore
from tabserve.ingestion.store import Ingestions
from tabserve.serving.store import prediction_store
from tests.factories import NOON, alert, file_batch, ingestion, rows
from tests.fakes.ingestion import FakeIngestions


class Files(IngestionStore, PendingFileStore, Protocol):
    """Ingested files as ingestion writes them and as the scheduled function reads them."""


class StoredFiles(Ingestions, PendingFiles):
    """The same in the database."""


@pytest.fixture
def stored(database: Database) -> StoredFiles:
    return StoredFiles(database)


@pytest.fixture
def files(any_database: Database | None) -> Files:
    return StoredFiles(any_database) if any_database else FakeIngestions()


def test_they_have_a_good_object_and_come_oldest_first(files: Files) -> None:
    files.save(ingestion("rejected", status="rejected", rows_good=0, good_key=None), [], [])
    files.save(ingestion("all bad", rows_good=0, rows_bad=10), [], [])
    files.save(ingestion("newer", finished_at=NOON + timedelta(minutes=1)), [], [])
    files.save(ingestion("older"), [], [])
    written = ingestion("being written", good_key=None)
    files.save(written, [], [])
    assert [file.file_id for file in files.to_predict(10)] == ["older", "newer"]

    files.note_objects(replace(written, good_key="good", bad_key="bad", report_key="report"))
    files.mark_predicted("older", 1, NOON)

    assert [file.file_id for file in files.to_predict(10)] == ["being written", "newer"]
    assert [file.file_id for file in files.to_predict(1)] == ["being written"]
    noted = files.find("being written")
    assert noted is not None
    assert (noted.good_key, noted.bad_key, noted.report_key) == ("good", "bad", "report")


def test_they_take_turns_by_use_case(files: Files) -> None:
    for minute, use_case in enumerate(["titanic"] * 3 + ["iris"]):
        finished_at = NOON + timedelta(minutes=minute)
        files.save(ingestion(f"f{minute}", use_case=use_case, finished_at=finished_at), [], [])

    assert [file.file_id for file in files.to_predict(10)] == ["f0", "f3", "f1", "f2"]


def test_they_know_the_newest_claim_and_nobody_with_an_older_one_changes_them(files: Files) -> None:
    files.save(ingestion("f1"), [], [])
    files.begin_predicting("f1", 2)

    for fence in (1, 2):
        with pytest.raises(LeaseLostError):
            files.begin_predicting("f1", fence)
    with pytest.raises(LeaseLostError):
        files.mark_predicted("f1", 1, NOON)
    with pytest.raises(LeaseLostError):
        files.give_up_predicting("f1", 1, "slow", [alert()])

    (file,) = files.to_predict(10)
    assert file.prediction_fence == 2
    files.give_up_predicting("f1", 2, "refused", [])
    files.retry_predicting("f1", [])
    with pytest.raises(LeaseLostError):
        files.give_up_predicting("f1", 2, "slow", [])
    assert files.to_predict(10)[0].prediction_fence == 3


@pytest.mark.parametrize("settle", ["predicted", "given up"])
def test_those_that_are_settled_are_not_begun_again(files: Files, settle: str) -> None:
    files.save(ingestion("f1"), [], [])
    if settle == "predicted":
        files.mark_predicted("f1", 1, NOON)
    else:
        files.give_up_predicting("f1", 1, "refused", [])

    with pytest.raises(LeaseLostError):
        files.begin_predicting("f1", 2)


def test_they_know_which_rows_have_a_prediction(database_url: str, stored: StoredFiles) -> None:
    predictions = prediction_store(database_url)
    predictions.add(file_batch("f1", [5, 3]))
    predictions.add(file_batch("f1", [3, 8], model_version="another"))
    predictions.add(file_batch("f2", [1]))

    assert sorted(stored.predicted_rows("f1", 1, 8)) == [3, 5, 8]
    assert list(stored.predicted_rows("f1", 4, 7)) == [5]
    assert (stored.last_predicted_row("f1"), stored.count_predicted("f1")) == (8, 3)
    assert stored.predicted_rows("f3", 1, 8) == []
    assert (stored.last_predicted_row("f3"), stored.count_predicted("f3")) == (0, 0)


def test_they_do_not_come_again_when_given_up(stored: StoredFiles, database: Database) -> None:
    stored.save(ingestion("f1"), [], [])

    for _ in range(2):
        stored.give_up_predicting("f1", 1, "the API refused row 3", [alert()])

    assert stored.to_predict(10) == []
    assert [file.file_id for file in stored.given_up()] == ["f1"]
    assert rows(database, "SELECT prediction_error FROM ingestions") == [("the API refused row 3",)]
    assert rows(database, "SELECT count(*) FROM alerts") == [(1,)]

    stored.retry_predicting("f1", [alert("f2")])
    assert [file.file_id for file in stored.to_predict(10)] == ["f1"]
    assert stored.given_up() == []
    assert rows(database, "SELECT count(*) FROM alerts") == [(2,)]
