"""A file's alert is over when the file is repaired: when its bad rows have come again, in one file or several."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tabserve.alerts.alert import Alert
from tabserve.alerts.outbox import Outbox
from tabserve.alerts.ports import AlertOutbox
from tabserve.core.database import Database
from tabserve.core.files import Ingestion, repaired_key
from tabserve.core.limits import SeverityLimits
from tabserve.ingestion.ports import IngestionStore
from tabserve.ingestion.severity import RULE, file_alert
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation_result import ValidationResult
from tests.factories import NOON, ingestion, rows

BAD = {"rows_total": 5, "rows_good": 2, "rows_bad": 3, "criticality": "high"}
GOOD = {"rows_bad": 0, "criticality": "none"}


def finish(store: IngestionStore, file: Ingestion) -> None:
    result = ValidationResult(file.rows_total, file.rows_good, file.rows_bad, ())

    def after(previous: Alert | None) -> Alert | None:
        return file_alert(SeverityLimits(), file, result, previous, file.finished_at)

    store.save(replace(file, report_key=None), [], [])
    store.note_objects(replace(file, report_key="report"), after)


def firing(store: IngestionStore, outbox: AlertOutbox, *files: Ingestion) -> set[str]:
    """Finish files one after the other and return the keys whose alert fires."""
    for each in files:
        finish(store, each)
    lasts = (outbox.last(RULE, each.key) for each in files)
    return {alert.subject for alert in lasts if alert and alert.state == "firing"}


def file(name: str, key: str, **changes: Any) -> Ingestion:
    return ingestion(name, key=key, finished_at=NOON + timedelta(minutes=int(name)), **changes)


ORIGINAL = file("1", "titanic/day_1.csv", **BAD)


def test_a_file_is_over_when_all_its_bad_rows_came_again_and_are_good(database: Database) -> None:
    store, outbox = Ingestions(database), Outbox(database)
    other = file("2", "titanic/dayX1-repaired-1.csv", rows_good=3, **GOOD)
    part = file("3", "titanic/day_1-repaired-1.csv", rows_total=3, rows_good=1, rows_bad=2, criticality="high")
    first = file("4", "titanic/day_1-repaired-1-repaired-2.csv", rows_good=1, **GOOD)
    last = file("5", "titanic/day_1-repaired-3.csv", rows_good=1, **GOOD)

    assert firing(store, outbox, ORIGINAL, other, part, first) == {ORIGINAL.key, part.key}
    assert firing(store, outbox, ORIGINAL, other, part, first, last) == set()
    told = rows(database, "SELECT subject, state FROM alerts ORDER BY created_at, subject")
    assert told[-2:] == [(part.key, "resolved"), (ORIGINAL.key, "resolved")]


def test_a_rejected_file_is_over_when_a_corrected_one_is_good(database: Database) -> None:
    rejected = {"status": "rejected", "rows_total": 0, "rows_good": 0, "rows_bad": 0, "criticality": "high"}
    refused, corrected = file("1", "a.csv", **rejected), file("3", "a-repaired.csv", rows_good=7, **GOOD)
    again = file("2", "a-repaired-1.csv", **rejected)
    files = (refused, again)
    assert firing(Ingestions(database), Outbox(database), *files) == {"a.csv", "a-repaired-1.csv"}
    assert firing(Ingestions(database), Outbox(database), *files, corrected) == set()


def test_repaired_files_finished_at_once_end_the_alert(postgres: Database, postgres_url: str) -> None:
    firing(Ingestions(postgres), Outbox(postgres), ORIGINAL)
    parts = [file(str(number), f"titanic/day_1-repaired-{number}.csv", rows_good=1, **GOOD) for number in (2, 3, 4)]
    barrier = threading.Barrier(len(parts))

    def finish_together(part: Ingestion) -> None:
        with closing(Database(postgres_url)) as database:
            barrier.wait()
            finish(Ingestions(database), part)

    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(finish_together, parts))
    last = Outbox(postgres).last(RULE, ORIGINAL.key)
    assert last is not None
    assert last.state == "resolved"
    assert str(last.payload["title"]).startswith("day_1.csv is repaired by day_1-repaired-")


@pytest.mark.parametrize(
    ("key", "repaired"),
    [
        ("titanic/day.csv", None),
        ("titanic/day-repaired.csv", "titanic/day.csv"),
        ("titanic/day-repaired-20260102T120000.csv", "titanic/day.csv"),
        ("titanic/day-repaired-1-repaired-2.csv", "titanic/day.csv"),
        ("a-repaired.folder/day.csv", None),
        ("-repaired.csv", None),
        ("day-repaired", "day"),
    ],
)
def test_the_name_of_a_file_tells_what_it_repairs(key: str, repaired: str | None) -> None:
    assert repaired_key(key) == repaired
