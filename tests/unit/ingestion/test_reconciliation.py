from dataclasses import replace

import pytest

from tabserve.core.files import RawFile
from tabserve.ingestion.reconciliation import FileAccount, reconcile

FILE = RawFile("raw", "titanic/a.csv", "etag")
ACCOUNT = FileAccount(
    file_id=FILE.file_id,
    key="titanic/a.csv",
    status="done",
    ingestions=1,
    rows_total=10,
    rows_good=8,
    rows_bad=2,
    quarantined=2,
    predicted=8,
    predictions=8,
    stray=0,
)
NEW = RawFile("raw", "titanic/new.csv", "etag")


def test_a_file_whose_rows_add_up_has_no_mismatch() -> None:
    rejected = FileAccount(NEW.file_id, NEW.key, "rejected", 1, 0, 0, 0, 0, 0, 0, 0)

    assert reconcile([FILE, NEW], [ACCOUNT, rejected]) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ingestions": 2}, "the file has 2 verdicts"),
        ({"status": "failed"}, "could not be judged"),
        ({"rows_total": 11}, "11 rows are not 8 good and 2 bad ones"),
        ({"quarantined": 1}, "1 of 2 bad rows are in quarantine"),
        ({"predicted": 7, "predictions": 7}, "7 of 8 good rows have a prediction"),
        ({"predicted": 9, "predictions": 9, "stray": 1}, "1 rows that are not good have a prediction"),
        ({"predictions": 9}, "1 predictions are doubled"),
    ],
)
def test_every_leak_is_named(change: dict[str, object], problem: str) -> None:
    (mismatch,) = reconcile([FILE], [replace(ACCOUNT, **change)])  # type: ignore[arg-type]

    assert problem in mismatch.problem
    assert (mismatch.file_id, mismatch.key) == (FILE.file_id, FILE.key)


def test_the_bad_rows_beyond_those_that_are_stored_are_not_missed() -> None:
    many = replace(ACCOUNT, rows_total=15_008, rows_bad=15_000, quarantined=10_000)
    assert reconcile([FILE], [many]) == []
    (mismatch,) = reconcile([FILE], [replace(many, quarantined=9_999)])
    assert mismatch.problem == "9999 of 10000 bad rows are in quarantine"


def test_a_lost_event_and_a_lost_file_are_seen() -> None:
    (mismatch,) = reconcile([FILE, NEW], [ACCOUNT])
    assert (mismatch.key, mismatch.problem) == ("titanic/new.csv", "the raw file has no verdict")

    (mismatch,) = reconcile([], [ACCOUNT])
    assert mismatch.problem == "the raw file is gone"
