from dataclasses import replace

import pytest

from tabserve.ingestion.reconciliation import FileAccount, audit

ACCOUNT = FileAccount(
    file_id="f1",
    key="titanic/a.csv",
    status="done",
    verdicts=1,
    rows_total=10,
    rows_good=8,
    rows_bad=2,
    quarantined=2,
    predicted=8,
    predictions=8,
    stray=0,
)
RAW = {"f1": "titanic/a.csv"}


def test_a_file_whose_rows_add_up_is_conserved() -> None:
    rejected = FileAccount("f2", "titanic/b.csv", "rejected", 1, 0, 0, 0, 0, 0, 0, 0)

    assert audit(RAW | {"f2": "titanic/b.csv"}, [ACCOUNT, rejected]) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"verdicts": 2}, "the file has 2 verdicts"),
        ({"status": "failed"}, "could not be judged"),
        ({"rows_total": 11}, "11 rows are not 8 good and 2 bad ones"),
        ({"quarantined": 1}, "1 of 2 bad rows are in quarantine"),
        ({"predicted": 7, "predictions": 7}, "7 of 8 good rows have a prediction"),
        ({"predicted": 9, "predictions": 9, "stray": 1}, "1 rows that are not good have a prediction"),
        ({"predictions": 9}, "1 predictions are doubled"),
    ],
)
def test_every_leak_is_named(change: dict[str, object], problem: str) -> None:
    (mismatch,) = audit(RAW, [replace(ACCOUNT, **change)])  # type: ignore[arg-type]

    assert problem in mismatch.problem
    assert (mismatch.file_id, mismatch.key) == ("f1", "titanic/a.csv")


def test_a_lost_event_and_a_lost_file_are_seen() -> None:
    (mismatch,) = audit(RAW | {"f2": "titanic/new.csv"}, [ACCOUNT])
    assert (mismatch.key, mismatch.problem) == ("titanic/new.csv", "the raw file has no verdict")

    (mismatch,) = audit({}, [ACCOUNT])
    assert mismatch.problem == "the raw file is gone"
