"""The rights of each function's database role: enough for all it does, and not one more."""

import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url

import database_roles
import migrate
from database_roles import GRANTS
from tabserve.alerts.alert import Alert, Seen
from tabserve.alerts.outbox import Outbox
from tabserve.batch.ports import PredictionRun
from tabserve.batch.store import PendingFiles
from tabserve.core.connection import role_name
from tabserve.core.database import Database
from tabserve.core.errors import LeaseLostError, StatementRefusedError
from tabserve.core.tables import metadata
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation_result import BadRow, ColumnStatistics, Issue, Reason
from tabserve.monitoring.drift import ColumnDrift, Difference
from tabserve.monitoring.store import MonitoringTables
from tabserve.monitoring.window_report import WindowReport
from tabserve.monitoring.windows import Span
from tabserve.reference.performance import Measure
from tabserve.serving.metrics import RequestCount
from tabserve.serving.postgres import Postgres
from tabserve.serving.prediction import GroundTruth, HistoryQuery, StoredReply
from tabserve.serving.store import PostgresPredictions
from tabserve.serving.trial import ScoringCount
from tests.factories import NOON, VERSION, batch, file_batch, ingestion, with_shadow

DRIFT = ColumnDrift("Age", 10, Difference("ks", 0.1, 0.5, 0.1), 0.5, "ok")
MEASURE = Measure("accuracy", 0.5, 0.4, 0.6, 10, "measured")
ID = "00000000-0000-7000-8000-000000000001"
PASSWORD = "it's a % secret"


def alert() -> Alert:
    return Alert(str(uuid.uuid4()), "rule", "subject", None, "firing", "high", {}, NOON)


def predict(database: Database, url: str) -> None:
    postgres = Postgres(url, role=role_name("predict"))
    store = PostgresPredictions(postgres)
    for rows in (1, 10, 300):
        store.add(with_shadow(batch(rows)))
    store.add_of_file(file_batch("f2", [1]), 1)
    one = batch()
    store.add(one)
    for _ in range(2):
        store.add_once(one, StoredReply("key", "titanic", "sha", b"{}", NOON))
    for actual in ("0", "1"):
        store.record_ground_truth("titanic", [GroundTruth(actual, one.ids[0], None)], NOON)
    store.past(HistoryQuery())
    postgres.rows("UPDATE rollups SET until = now() - interval '1 hour'", ())
    for _ in range(2):
        store.add_requests([RequestCount("/predict", 200, 0.1, 1, 0.05)])
        store.families()
        store.add_scoring([ScoringCount("titanic", 3, "canary", VERSION, 0.5, 1, 0, 1, 0.4)], NOON)
    store.scoring("titanic", 3, NOON)
    postgres.close()
    Outbox(database).add([alert()])
    Outbox(database).acknowledge(Seen("rule", NOON), NOON)
    Ingestions(database).find("f1")


def ingest(database: Database, _: str) -> None:
    store = Ingestions(database)
    failed, done = ingestion("f1", status="failed"), ingestion("f1")
    bad = [BadRow(1, 2, "raw", (Reason("Age", "not_a_number", "x"),))]
    statistics = [ColumnStatistics("Age", 1, 0, 1.0, 1.0, 1.0, (1.0,), ())]
    for found in (failed, done):
        store.save(found, [Issue("Age", "not_a_number", 1, ("x",))], bad, statistics)
    store.note_objects(replace(done, report_key="report"), lambda _last: alert())
    store.find("f1")


def scheduled_predict(database: Database, _: str) -> None:
    store = PendingFiles(database)
    store.to_predict(10)
    store.last_predicted_row("f1")
    store.predicted_rows("f1", 1, 2)
    store.count_predicted("f1")
    for fence in (1, 2):
        with suppress(LeaseLostError):  # the second time the file is done
            store.begin_predicting("f2", fence)
            store.give_up_predicting("f2", fence, "error", [alert()])
    store.mark_predicted("f2", 2, NOON)
    Outbox(database).add([alert()])
    PendingFiles(database).add_run(PredictionRun(str(uuid.uuid4()), NOON, NOON, "completed", 0, 0, None))


def monitor(database: Database, _: str) -> None:
    tables = MonitoringTables(database)
    tables.versions("titanic", 5)
    tables.closed_until("titanic", VERSION)
    tables.last_states("titanic", VERSION, 3)
    list(tables.predictions("titanic", VERSION, None, NOON))
    tables.windows_with_new_ground_truth("titanic", 5)
    span = Span(VERSION, NOON - timedelta(hours=1), NOON)
    list(tables.ground_truth("titanic", [span]))
    tables.last_prediction("titanic")
    tables.arrivals(NOON)
    tables.save([WindowReport("titanic", span, [DRIFT], {"Age": []}, [MEASURE])], [], NOON)
    for count in (10, 20):
        tables.save_measures("titanic", [(span, replace(MEASURE, n=count))], NOON)
    Outbox(database).add([alert()])


def sweep(database: Database, _: str) -> None:
    store = Ingestions(database)
    store.finished(["f1"])
    store.note_swept(store.swept_until())
    outbox = Outbox(database)
    outbox.last("rule", "subject")
    outbox.add([alert()])


def alerts(database: Database, _: str) -> None:
    outbox = Outbox(database)
    outbox.claim_due(10, NOON, timedelta(minutes=1))
    outbox.note_delivered(ID, ["sns"])
    outbox.postpone(ID, NOON)
    outbox.mark_sent(ID, NOON)


WORK: dict[str, Callable[[Database, str], None]] = {
    "predict": predict,
    "ingest": ingest,
    "scheduled_predict": scheduled_predict,
    "monitor": monitor,
    "sweep": sweep,
    "alerts": alerts,
}
ONE_BY_ONE = [
    (function, table, right)
    for function, tables in GRANTS.items()
    for table, rights in tables.items()
    for right in rights
]


@pytest.fixture
def app_url(postgres: Database, postgres_url: str) -> str:
    """The database as the functions log in to it."""
    migrate.migrate(postgres_url, app_password=PASSWORD)
    Ingestions(postgres).save(ingestion("f2"), [], [])
    app = make_url(postgres_url).set(username=database_roles.LOGIN, password=PASSWORD)
    return app.render_as_string(hide_password=False)


def work(function: str, url: str) -> None:
    with closing(Database(url, role=role_name(function))) as database:
        WORK[function](database, url)


@pytest.mark.parametrize("function", WORK)
def test_a_function_can_do_all_it_does(app_url: str, function: str) -> None:
    for _ in range(2):
        work(function, app_url)


@pytest.mark.parametrize("function", WORK)
def test_a_function_needs_every_right_it_has(app_url: str, admin: Any, function: str) -> None:
    unused = []
    for _, table, right in (one for one in ONE_BY_ONE if one[0] == function):
        admin.execute(f"REVOKE {right} ON {table} FROM {role_name(function)}")
        try:
            work(function, app_url)
            unused.append((table, right))
        except StatementRefusedError as error:
            unused += [] if "InsufficientPrivilege" in str(error) else [(table, str(error))]
        admin.execute(f"GRANT {right} ON {table} TO {role_name(function)}")
    assert not unused


def test_a_role_has_the_rights_that_are_written_down_and_no_others(app_url: str, admin: Any) -> None:
    admin.execute(
        "SELECT r.rolname, t.relname, p FROM pg_roles r, pg_class t, unnest(%s) AS p"
        " WHERE r.rolname LIKE 'tabserve\\_%%' AND t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'v')"
        " AND has_table_privilege(r.rolname, t.oid, p) AND r.rolname <> %s",
        (["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"], migrate.READER),
    )
    of_whole_tables = [one for one in ONE_BY_ONE if " " not in one[2]]
    assert set(admin.fetchall()) == {(role_name(function), table, right) for function, table, right in of_whole_tables}


def test_the_login_can_do_nothing_by_itself(app_url: str) -> None:
    with closing(psycopg2.connect(app_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for table in metadata.tables:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(f"SELECT FROM {table}")
        for statement in ("CREATE TABLE mine (n integer)", "CREATE ROLE mine", "SET ROLE postgres"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
        cursor.execute("SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False, False)


def test_roles_can_be_made_again_and_a_right_too_many_is_taken_away(postgres_url: str, admin: Any) -> None:
    admin.execute("GRANT DELETE ON predictions TO tabserve_sweep")
    migrate.migrate(postgres_url)
    admin.execute("SELECT has_table_privilege('tabserve_sweep', 'predictions', 'DELETE')")
    assert admin.fetchone() == (False,)


def test_the_server_never_sees_a_password(postgres_url: str, admin: Any) -> None:
    migrate.migrate(postgres_url, reader_password=PASSWORD, app_password=PASSWORD)
    admin.execute("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL AND rolname LIKE 'tabserve%'")
    kept = [row[0] for row in admin.fetchall()]
    assert len(kept) == 2
    assert all(each.startswith("SCRAM-SHA-256$") for each in kept)


def test_every_function_with_a_database_has_a_role() -> None:
    assert GRANTS.keys() == WORK.keys()


def test_the_connections_of_the_functions_are_limited_where_that_is_asked_for(postgres_url: str, admin: Any) -> None:
    limits = []
    for limit in (1_000, None, -1):  # nothing said changes nothing
        migrate.migrate(postgres_url, app_connections=limit)
        admin.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", (database_roles.LOGIN,))
        limits.append(admin.fetchone()[0])
    assert limits == [1_000, 1_000, -1]
