import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tabserve.alerts.alert import Seen, alert_id
from tabserve.alerts.outbox import Outbox
from tabserve.alerts.ports import AlertOutbox
from tabserve.batch.ports import PredictionRun
from tabserve.batch.store import PendingFiles
from tabserve.core.database import Database
from tabserve.core.errors import DatabaseUnavailableError, StatementRefusedError
from tabserve.core.files import Ingestion
from tabserve.ingestion.ports import AlertAfter, IngestionStore
from tabserve.ingestion.severity import RULE
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation_result import BadRow, ColumnStatistics, Issue, Reason
from tests.factories import NOON, alert, ingestion, rows
from tests.fakes.alerts import FakeOutbox
from tests.fakes.ingestion import FakeIngestions

ISSUES = [Issue("Age", "not_a_number", 2, ("x\0y", "\udcff", "ü"))]
LEASE = timedelta(minutes=1)
BAD_ROWS = [
    BadRow(3, 4, "1,a\tb\\\0,\udcff", (Reason("Age", "not_a_number", "a\tb\\\0"), Reason("Sex", "missing_value", ""))),
    BadRow(7, 9, "", (Reason("Age", "too_few_fields", ""),)),
]
STATISTICS = [ColumnStatistics("Age", 8, 1, 0.5, 30.25, 80.0, (10.0, 20.0), (("22", 3), ("\0", 1)))]


@pytest.fixture
def store(database: Database) -> Ingestions:
    return Ingestions(database)


@pytest.fixture
def any_store(any_database: Database | None) -> IngestionStore:
    return Ingestions(any_database) if any_database else FakeIngestions()


def test_a_verdict_is_stored_with_all_that_belongs_to_it(store: Ingestions, database: Database) -> None:
    assert store.find("f1") is None
    assert store.save(ingestion("f1"), ISSUES, iter(BAD_ROWS), STATISTICS)

    assert store.find("f1") == ingestion("f1")
    assert rows(database, "SELECT row_number FROM bad_rows ORDER BY row_number") == [(3,), (7,)]
    assert rows(database, "SELECT raw FROM bad_rows ORDER BY row_number") == [
        (r"1,a" + "\t" + r"b\\x00,\udcff",),
        ("",),
    ]
    assert rows(database, "SELECT column_name, rule, rows FROM data_quality_issues") == [("Age", "not_a_number", 2)]
    assert rows(database, "SELECT minimum, mean, missing FROM column_statistics") == [(0.5, 30.25, 1)]


def test_a_second_verdict_on_the_same_file_changes_nothing(store: Ingestions, database: Database) -> None:
    store.save(ingestion("f1"), ISSUES, BAD_ROWS)

    assert not store.save(ingestion("f1", rows_bad=9), ISSUES, BAD_ROWS[:1], STATISTICS)

    assert store.find("f1") == ingestion("f1")
    assert rows(database, "SELECT row_number FROM bad_rows ORDER BY row_number") == [(3,), (7,)]
    assert rows(database, "SELECT * FROM column_statistics UNION ALL SELECT * FROM column_statistics") == []


def test_a_file_is_finished_with_its_alert_once(store: Ingestions, database: Database) -> None:
    store.save(ingestion("f1", report_key=None), [], [])
    for _ in range(2):
        store.note_objects(replace(ingestion("f1"), report_key="report"), lambda _: alert())

    assert store.finished(["f1"]) == {"f1"}
    assert rows(database, "SELECT count(*) FROM alerts") == [(1,)]
    assert Outbox(database).last("bad_rows", "titanic") == alert()


ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sequencers": ({"sequencer": "0A"}, {"sequencer": "0B"}),
    "sequencers against times": (
        {"sequencer": "0A", "written_at": NOON + timedelta(hours=1)},
        {"sequencer": "0B", "written_at": NOON},
    ),
    "times": ({"written_at": NOON}, {"written_at": NOON + timedelta(hours=1)}),
    "one sequencer": ({"sequencer": "0A", "written_at": NOON}, {"written_at": NOON + timedelta(hours=1)}),
}


@pytest.mark.parametrize("order", ORDERS)
def test_only_the_newest_version_of_a_key_means_an_alert(any_store: IngestionStore, order: str) -> None:
    older, newer = ORDERS[order]
    asked: list[str] = []
    stored: dict[str, Ingestion] = {}

    def ask(name: str) -> AlertAfter:
        return lambda _: asked.append(name)

    for name, changes in (("newer", newer), ("older", older), ("other", older | {"key": "titanic/other.csv"})):
        stored[name] = ingestion(name, report_key=None, **changes)
        any_store.save(stored[name], [], [])
    for name in ("newer", "older", "newer", "other"):
        any_store.note_objects(replace(stored[name], report_key="report"), ask(name))

    assert asked == ["newer", "newer", "other"]


def test_versions_finished_at_once_leave_the_alert_of_the_newer_one(postgres: Database, postgres_url: str) -> None:
    key = ingestion().key
    fired = alert("1", rule=RULE, subject=key)
    over = replace(fired, id=alert_id(RULE, key, "resolved", ""), state="resolved", created_at=NOON + timedelta(1))
    means: dict[str, AlertAfter] = {"1": lambda _: fired, "2": lambda previous: over if previous else None}
    barrier = threading.Barrier(2)

    def finish(name: str) -> None:
        verdict = ingestion(name, report_key=None, sequencer=name)
        with closing(Database(postgres_url)) as database:
            store = Ingestions(database)
            store.save(verdict, [], [])
            barrier.wait()
            store.note_objects(replace(verdict, report_key="report"), means[name])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(finish, means))

    assert Outbox(postgres).last(RULE, key) in (None, over)


def test_a_failed_file_can_be_judged_again(any_store: IngestionStore) -> None:
    any_store.save(ingestion("f1", status="failed", error="storage was away"), ISSUES, BAD_ROWS)

    assert any_store.save(ingestion("f1"), ISSUES, BAD_ROWS[:1])

    assert any_store.find("f1") == ingestion("f1")


@pytest.mark.parametrize("changes", [{"contract_sha256": "d" * 64}, {"contract_sha256": None}, {"status": "failed"}])
def test_an_unfinished_verdict_gives_way_to_another_one(any_store: IngestionStore, changes: dict[str, Any]) -> None:
    first, other = ingestion("f1", report_key=None), ingestion("f1", report_key=None, **changes)
    any_store.save(first, ISSUES, BAD_ROWS)

    assert any_store.save(other, ISSUES, BAD_ROWS)

    assert any_store.find("f1") == other
    assert not any_store.note_objects(replace(first, report_key="first"), lambda _: alert())
    assert any_store.finished(["f1"]) == set()
    assert any_store.note_objects(replace(other, report_key="other"))


def test_a_finished_verdict_stays_whatever_comes(any_store: IngestionStore) -> None:
    finished = ingestion("f1", report_key="report")
    any_store.save(finished, ISSUES, BAD_ROWS)

    for changes in ({"contract_sha256": "d" * 64}, {"status": "failed"}, {"status": "rejected"}):
        assert not any_store.save(ingestion("f1", report_key=None, **changes), [], [])

    assert any_store.find("f1") == finished


def test_what_is_too_large_for_the_database_is_no_outage(postgres: Database) -> None:
    noise = "".join(map(str, hashlib.shake_256(b"noise").digest(4000)))
    with pytest.raises(StatementRefusedError, match="ProgramLimitExceeded 54000"):
        Ingestions(postgres).save(ingestion("f1"), [Issue(noise, "formula_cell", 1, ())], [])


def test_of_a_file_judged_again_only_the_new_bad_rows_stay(store: Ingestions, database: Database) -> None:
    store.save(ingestion("f1", status="failed", error="storage was away"), ISSUES, BAD_ROWS)
    store.save(ingestion("f1"), ISSUES, BAD_ROWS[:1])

    assert rows(database, "SELECT row_number FROM bad_rows") == [(3,)]


def test_nothing_is_stored_when_the_last_piece_fails(store: Ingestions, database: Database) -> None:
    def breaks() -> Iterator[BadRow]:
        yield from BAD_ROWS
        raise OSError("the scratch file is gone")

    with pytest.raises(OSError, match="scratch"):
        store.save(ingestion("f1"), ISSUES, breaks(), STATISTICS)

    assert store.find("f1") is None
    assert rows(database, "SELECT * FROM bad_rows") == []


def test_of_many_workers_one_stores_the_verdict(postgres_url: str) -> None:
    def save(_: int) -> bool:
        with closing(Database(postgres_url)) as database:
            return Ingestions(database).save(ingestion("f1"), ISSUES, BAD_ROWS, STATISTICS)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(save, range(6))) == [False] * 5 + [True]


@pytest.mark.timeout(60)
def test_two_hundred_thousand_bad_rows_are_stored(postgres: Database) -> None:
    bad = (BadRow(n, n + 1, f"{n},3,male,old", (Reason("Age", "not_a_number", "old"),)) for n in range(1, 200_001))

    Ingestions(postgres).save(ingestion("f1", rows_total=200_000, rows_bad=200_000, rows_good=0), [], bad)

    assert rows(postgres, "SELECT count(*), sum(row_number) FROM bad_rows") == [(200_000, 20_000_100_000)]


@pytest.fixture
def outbox(any_database: Database | None) -> AlertOutbox:
    return Outbox(any_database) if any_database else FakeOutbox()


def test_of_many_senders_one_gets_an_alert(postgres_url: str) -> None:
    databases = [Database(postgres_url) for _ in range(6)]
    Outbox(databases[0]).add([alert(str(number), subject=str(number)) for number in range(50)])

    with ThreadPoolExecutor(6) as pool:
        claimed = list(pool.map(lambda database: Outbox(database).claim_due(20, NOON, LEASE), databases))

    assert sorted(each.alert.subject for due in claimed for each in due) == sorted(str(n) for n in range(50))
    for database in databases:
        database.close()


class TestTheOutbox:
    def test_hands_an_alert_to_one_sender_until_its_lease_is_over(self, outbox: AlertOutbox) -> None:
        later = alert("f2", subject="iris", created_at=NOON + timedelta(hours=1))
        outbox.add([later, alert(), alert()])

        assert [each.alert for each in outbox.claim_due(10, NOON, LEASE)] == [alert(), later]

        assert outbox.claim_due(10, NOON + LEASE / 2, LEASE) == []
        again = outbox.claim_due(10, NOON + LEASE, LEASE)
        assert [each.alert.attempts for each in again] == [0, 0], "attempts count when they are made"

    def test_tries_again_when_the_time_has_come_however_often(self, outbox: AlertOutbox) -> None:
        outbox.add([alert()])
        now = NOON
        for attempts in range(40):
            [due] = outbox.claim_due(10, now, LEASE)
            assert due.alert.attempts == attempts
            outbox.postpone(due.alert.id, now + 2 * LEASE)
            assert outbox.claim_due(10, now + LEASE, LEASE) == []
            now += 2 * LEASE

    def test_does_not_send_again_what_was_sent(self, outbox: AlertOutbox) -> None:
        outbox.add([alert()])
        outbox.claim_due(10, NOON, LEASE)
        outbox.note_delivered(alert().id, ["chat"])
        [due] = outbox.claim_due(10, NOON + LEASE, LEASE)
        assert (due.alert.delivered_to, due.alert.attempts) == (("chat",), 1)

        outbox.mark_sent(alert().id, NOON)

        assert outbox.claim_due(10, NOON + 2 * LEASE, LEASE) == []

    def test_keeps_the_order_of_one_subject(self, outbox: AlertOutbox) -> None:
        over = alert("over", state="resolved", created_at=NOON + timedelta(minutes=1))
        outbox.add([over, alert()])
        assert [each.alert for each in outbox.claim_due(10, NOON, LEASE)] == [alert()]

        outbox.note_delivered(alert().id, ["chat"])
        outbox.postpone(alert().id, NOON + 2 * LEASE)
        [due] = outbox.claim_due(10, NOON + LEASE, LEASE)
        assert (due.alert, list(due.after or ())) == (over, ["chat"])

        outbox.mark_sent(alert().id, NOON)
        [due] = outbox.claim_due(10, NOON + 2 * LEASE, LEASE)
        assert (due.alert, due.after) == (over, None)

    def test_knows_the_last_transition(self, outbox: AlertOutbox) -> None:
        resolved = alert("f1", id=alert_id("bad_rows", "titanic", "resolved", "f1"), state="resolved")
        outbox.add([alert(), replace(resolved, created_at=NOON + timedelta(hours=1))])

        last = outbox.last("bad_rows", "titanic")

        assert last is not None
        assert last.state == "resolved"
        assert outbox.last("bad_rows", "iris") is None

    def test_takes_what_somebody_has_seen_once(self, outbox: AlertOutbox) -> None:
        over = alert("over", subject="done", state="resolved", created_at=NOON + timedelta(minutes=1))
        outbox.add([alert("1", subject="a"), alert("2", subject="b"), alert("3", subject="done"), over])
        outbox.add([alert("4", subject="late", created_at=NOON + timedelta(hours=1))])
        outbox.add([alert("5", subject="c", use_case="iris"), alert("6", rule="drift")])

        assert outbox.acknowledge(Seen("bad_rows", NOON, use_case="iris"), NOON) == 1
        assert outbox.acknowledge(Seen("bad_rows", NOON, subjects=("b", "x")), NOON) == 1
        assert outbox.acknowledge(Seen("bad_rows", NOON), NOON) == 1
        assert outbox.acknowledge(Seen("bad_rows", NOON), NOON) == 0
        assert outbox.acknowledge(Seen("bad_rows", NOON + timedelta(hours=2)), NOON) == 1


def test_a_run_is_stored_once(database: Database) -> None:
    run = PredictionRun("01234567-89ab-4def-8123-456789abcdef", NOON, NOON, "completed", 2, 16)

    PendingFiles(database).add_run(run)
    PendingFiles(database).add_run(run)

    assert rows(database, "SELECT status, files, rows FROM prediction_runs") == [("completed", 2, 16)]


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailableError):
        Ingestions(Database("postgresql://nobody@127.0.0.1:9/none")).find("f1")


def test_a_broken_connection_is_replaced(postgres: Database, admin: Any) -> None:
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    runs = []

    def work(connection: Any) -> int:
        runs.append(1)
        if len(runs) == 1:
            admin.execute(kill)
        return int(connection.execute(text("SELECT 1")).scalar_one())

    assert postgres.run(work) == 1
    assert len(runs) == 2
