import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tabserve.batch.store import PendingFiles
from tabserve.core.database import Database
from tabserve.core.errors import DatabaseUnavailableError, LeaseLostError
from tabserve.core.records import SOURCES, Source
from tabserve.ingestion.store import Ingestions
from tabserve.serving import history as pages
from tabserve.serving.ports import PredictionStore
from tabserve.serving.postgres import NO_RETRY_S, Postgres
from tabserve.serving.prediction import BesideBatch, Cursor, HistoryQuery, Prediction, StoredReply
from tabserve.serving.store import MANY_ROWS, prediction_store
from tests.factories import NOON, VERSION, batch, file_batch, ingestion, number_batch, with_shadow
from tests.factories import rows as found_rows

BOTH_WAYS_OF_WRITING = pytest.mark.parametrize("rows", [1, MANY_ROWS - 1, MANY_ROWS])
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
NO_CONTROL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


def everything(store: PredictionStore, **query: Any) -> list[Prediction]:
    return list(store.past(HistoryQuery(limit=1000, **query)).predictions)


@BOTH_WAYS_OF_WRITING
def test_reads_back_what_was_stored(store: PredictionStore, rows: int) -> None:
    values: dict[str, list[Any]] = {"Sex": ['fe"male\\N', "ma\tle", None, "ü\n"], "Age": [None, 1, 0.1, 1e-300]}
    stored = batch(
        rows,
        columns={name: (cells * rows)[:rows] for name, cells in values.items()},
        probabilities=([[0.1, 0.9], [1 / 3, 2 / 3], [1.0, 5e-324]] * rows)[:rows],
        entity_ids=(["17", None, "a\\b'c%s"] * rows)[:rows],
    )

    store.add(stored)

    assert everything(store) == list(stored)[::-1]


@BOTH_WAYS_OF_WRITING
@pytest.mark.parametrize("half_width", [2.5, None])
def test_reads_back_numbers_with_their_intervals(store: PredictionStore, rows: int, half_width: float | None) -> None:
    stored = number_batch([1.25, 1e-300, 123_456.75, 0.1 + 0.2] * rows, half_width)

    store.add(stored)

    found = everything(store)
    assert found == list(stored)[::-1]
    assert (found[-1].prediction, found[-1].value) == ("1.25", 1.25)
    assert (found[-1].low, found[-1].high) == ((0, 3.75) if half_width else (None, None))
    assert {(each.probability, each.probabilities) for each in found} == {(None, None)}


def test_stores_the_batches_of_several_calls(store: PredictionStore) -> None:
    batches = [batch(rows, request_id=str(uuid.uuid4())) for rows in (1, 3, 1, 40, 200, 2)]

    store.add(*batches)

    stored = {prediction.id: prediction for prediction in everything(store)}
    assert stored == {prediction.id: prediction for one in batches for prediction in one}


@BOTH_WAYS_OF_WRITING
def test_storing_the_same_batch_again_changes_nothing(store: PredictionStore, rows: int) -> None:
    stored = batch(rows)

    store.add(stored)
    store.add(stored)

    assert len(everything(store)) == rows


@BOTH_WAYS_OF_WRITING
def test_reads_back_the_rows_that_a_canary_answered(store: PredictionStore, rows: int) -> None:
    canary = batch(2, role="canary", model_version="challenger", entity_ids=["1", "2"])
    stored = batch(rows, canary=canary)

    store.add(stored)

    found = {each.id: each for each in everything(store)}
    assert found == {each.id: each for each in stored}
    assert sorted(each.role for each in found.values()) == ["canary"] * 2 + ["champion"] * rows
    assert [each.model_version for each in found.values() if each.role == "canary"] == ["challenger"] * 2


BESIDE = "SELECT prediction_id, model_version, role, use_case, prediction, probability FROM challenger_predictions"


class TestWhatAShadowSays:
    @BOTH_WAYS_OF_WRITING
    @pytest.mark.parametrize("of_numbers", [False, True])
    def test_is_stored_with_the_answers(
        self, database: Database, database_url: str, rows: int, of_numbers: bool
    ) -> None:
        said = number_batch([1.5] * rows) if of_numbers else batch(rows)
        shadow = BesideBatch("shadow", "challenger", said.ids, said.answers)

        prediction_store(database_url).add(replace(said, shadow=shadow))

        found = {str(id_): rest for id_, *rest in found_rows(database, BESIDE)}
        answer = ["1.5", None] if of_numbers else ["1", 0.75]
        assert found == {id_: ["challenger", "shadow", said.use_case, *answer] for id_ in said.ids}

    @BOTH_WAYS_OF_WRITING
    def test_is_stored_once(self, database: Database, database_url: str, rows: int) -> None:
        store, said = prediction_store(database_url), with_shadow(batch(rows))
        for _ in range(2):
            store.add(said)
        assert len(found_rows(database, BESIDE)) == rows

    @BOTH_WAYS_OF_WRITING
    def test_is_stored_only_of_the_rows_of_a_file_that_had_no_prediction(
        self, database: Database, database_url: str, rows: int
    ) -> None:
        Ingestions(database).save(ingestion("f1"), [], [])
        store, promoted = prediction_store(database_url), file_batch("f1", range(1, rows + 2), model_version="promoted")
        store.add_of_file(file_batch("f1", [1]), 1)

        store.add_of_file(with_shadow(promoted), 1)

        assert {str(id_) for id_, *_ in found_rows(database, BESIDE)} == set(promoted.ids[1:])

    @BOTH_WAYS_OF_WRITING
    def test_is_not_stored_without_the_answers(self, database: Database, database_url: str, rows: int) -> None:
        store, taken = prediction_store(database_url), StoredReply("k", "titanic", "0", b"{}", NOON)
        store.add_once(batch(), taken)

        assert store.add_once(with_shadow(batch(rows)), taken) == taken
        assert found_rows(database, BESIDE) == []

        store.add_once(with_shadow(batch(rows)), replace(taken, key="another"))
        assert len(found_rows(database, BESIDE)) == rows


class TestRowsOfAFile:
    @pytest.fixture
    def file(self, any_database: Database | None) -> None:
        """The file f1 where the store keeps files."""
        if any_database:
            Ingestions(any_database).save(ingestion("f1"), [], [])

    @BOTH_WAYS_OF_WRITING
    @pytest.mark.usefixtures("file")
    def test_are_stored_once_whatever_the_version(self, store: PredictionStore, rows: int) -> None:
        store.add_of_file(file_batch("f1", [2, 4], created_at=NOON - timedelta(hours=1)), 1)
        store.add_of_file(file_batch("f1", range(1, rows + 1), model_version="promoted"), 1)
        store.add_of_file(file_batch("f1", range(1, rows + 1)), 1)

        found = everything(store)
        assert sorted(p.row_number or 0 for p in found) == sorted({2, 4, *range(1, rows + 1)})
        assert {p.row_number for p in found if p.model_version == VERSION} == {2, 4}

    def test_are_not_stored_by_whoever_was_overtaken(self, database: Database, database_url: str) -> None:
        Ingestions(database).save(ingestion("f1"), [], [])
        store = prediction_store(database_url)
        store.add_of_file(file_batch("f1", [1]), 1)
        PendingFiles(database).begin_predicting("f1", 2)
        for rows in ([2], range(100, 300)):
            with pytest.raises(LeaseLostError):
                store.add_of_file(file_batch("f1", rows), 1)
        store.add_of_file(file_batch("f1", [3]), 2)

        assert sorted(p.row_number or 0 for p in everything(store)) == [1, 3]

    def test_may_be_stored_by_several_calls_at_once(self, postgres: Database, postgres_url: str) -> None:
        Ingestions(postgres).save(ingestion("f1"), [], [])
        held = "SELECT 1 FROM ingestions WHERE file_id = 'f1' AND prediction_fence <= 1 FOR SHARE"
        with postgres.transaction() as connection:
            connection.execute(text(held))  # as another call does, which has not ended yet
            prediction_store(postgres_url, timeout_ms=2_000).add_of_file(file_batch("f1", range(1, 300)), 1)

        assert len(everything(prediction_store(postgres_url))) == 299

    def test_of_no_known_file_are_not_stored(self, postgres_url: str) -> None:
        store = prediction_store(postgres_url)
        with pytest.raises(LeaseLostError):
            store.add_of_file(file_batch("unknown", [1]), 1)
        assert not everything(store)

    def test_wait_for_a_newer_claim_that_is_being_written(self, postgres: Database, postgres_url: str) -> None:
        Ingestions(postgres).save(ingestion("f1"), [], [])
        with ThreadPoolExecutor(1) as pool, postgres.transaction() as connection:
            connection.execute(text("UPDATE ingestions SET prediction_fence = 2"))
            zombie = pool.submit(prediction_store(postgres_url).add_of_file, file_batch("f1", [1]), 1)
            while not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                pass
            connection.commit()
            with pytest.raises(LeaseLostError):
                zombie.result()
        assert not everything(prediction_store(postgres_url))


@pytest.fixture
def history(store: PredictionStore) -> list[Prediction]:
    stored: list[Prediction] = []
    for hour in range(12):
        written = batch(
            1 + hour % 5,
            created_at=NOON + timedelta(hours=hour // 2),
            source=SOURCES[hour % 4],
            use_case=("titanic", "iris")[hour % 3 == 0],
            model_version=f"v{hour % 2}",
        )
        store.add(written)
        stored += written
    return sorted(stored, key=lambda p: (p.created_at, p.id), reverse=True)


@pytest.mark.parametrize("use_case", [None, "titanic", "unknown"])
@pytest.mark.parametrize("source", [None, "api"])
@pytest.mark.parametrize("model_version", [None, "v1"])
@pytest.mark.parametrize("hours", [None, (1, 4), (4, 4)])
def test_pages_hold_every_match_once_newest_first(
    store: PredictionStore,
    history: list[Prediction],
    use_case: str | None,
    source: Source | None,
    model_version: str | None,
    hours: tuple[int, int] | None,
) -> None:
    start, end = (NOON + timedelta(hours=h) for h in hours) if hours else (None, None)
    expected = [
        p
        for p in history
        if use_case in (None, p.use_case)
        and source in (None, p.source)
        and model_version in (None, p.model_version)
        and (start is None or end is None or start <= p.created_at < end)
    ]
    found: list[Prediction] = []
    query = HistoryQuery(use_case, source, start, end, model_version, limit=3)
    while True:
        page = store.past(query)
        found += page.predictions
        if page.next_cursor is None:
            break
        assert len(page.predictions) == 3
        query = HistoryQuery(use_case, source, start, end, model_version, limit=3, cursor=page.next_cursor)

    assert found == expected


def test_finds_the_predictions_about_an_entity_and_a_prediction_by_its_id(store: PredictionStore) -> None:
    older = batch(2, entity_ids=["17", "18"])
    newer = batch(2, entity_ids=["17", None], created_at=NOON + timedelta(hours=1), source="queue")
    elsewhere = batch(1, entity_ids=["17"], created_at=NOON + timedelta(hours=2), use_case="iris")
    store.add(older, newer, elsewhere)
    about = {"old": next(iter(older)), "new": next(iter(newer)), "iris": next(iter(elsewhere))}

    assert everything(store, entity_id="17") == [about["iris"], about["new"], about["old"]]
    assert everything(store, entity_id="17", use_case="titanic") == [about["new"], about["old"]]
    assert everything(store, entity_id="17", use_case="titanic", source="api") == [about["old"]]
    assert everything(store, prediction_id=about["old"].id) == [about["old"]]
    assert everything(store, prediction_id=about["old"].id, end=NOON) == []
    assert everything(store, prediction_id=about["old"].id, entity_id="18") == []
    page = store.past(HistoryQuery(entity_id="17", limit=1))
    assert [*page.predictions] == [about["iris"]]
    second = store.past(HistoryQuery(entity_id="17", limit=2, cursor=page.next_cursor))
    assert [*second.predictions] == [about["new"], about["old"]]


def test_a_cursor_does_not_move_when_newer_predictions_arrive(
    store: PredictionStore, history: list[Prediction]
) -> None:
    first = store.past(HistoryQuery(limit=4))
    store.add(batch(5, created_at=NOON + timedelta(days=1)))

    second = store.past(HistoryQuery(limit=4, cursor=first.next_cursor))

    assert [*first.predictions, *second.predictions] == history[:8]


def test_tells_whether_it_answers(store: PredictionStore) -> None:
    assert store.reachable()


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:9/none", "sqlite:////nowhere/to/be/found.db"])
def test_an_unreachable_database_is_unavailable(url: str) -> None:
    store = prediction_store(url)

    assert not store.reachable()
    with pytest.raises(DatabaseUnavailableError):
        store.add(batch())
    with pytest.raises(DatabaseUnavailableError):
        store.past(HistoryQuery())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(TEXT, min_size=1), ids=st.lists(NO_CONTROL, min_size=1), classes=st.tuples(NO_CONTROL, NO_CONTROL)
)
def test_any_text_survives_both_ways_of_writing(
    postgres_url: str, admin: Any, values: list[str], ids: list[str], classes: tuple[str, str]
) -> None:
    store = prediction_store(postgres_url)
    for rows in (1, MANY_ROWS):
        stored = batch(
            rows,
            columns={"%s\"'": (values * rows)[:rows]},
            entity_ids=(ids * rows)[:rows],
            classes=(classes[0], classes[1] + "'"),
        )
        store.add(stored)
        page = store.past(HistoryQuery(limit=rows))
        assert list(page.predictions) == list(stored)[::-1]
        admin.execute("DELETE FROM predictions")


class TestABrokenConnection:
    @BOTH_WAYS_OF_WRITING
    def test_is_replaced_and_nothing_is_lost_or_doubled(self, postgres_url: str, admin: Any, rows: int) -> None:
        store = prediction_store(postgres_url)
        batches = [batch(rows) for _ in range(3)]
        for written in batches:
            store.add(written)
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tabserve'")

        admin.execute("SELECT count(*) FROM predictions")
        assert admin.fetchone() == (3 * rows,)

    @BOTH_WAYS_OF_WRITING
    def test_that_broke_after_the_commit_doubles_nothing(
        self, postgres_url: str, admin: Any, rows: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = prediction_store(postgres_url)
        lost_answers = iter([True])
        plain = psycopg2.extensions.cursor

        class LosesTheFirstAnswer(plain):  # type: ignore[misc,valid-type]
            def _lose(self) -> None:
                if next(lost_answers, False):
                    self.connection.close()
                    raise psycopg2.OperationalError("server closed the connection unexpectedly")

            def execute(self, *arguments: Any) -> None:
                super().execute(*arguments)
                self._lose()

            def copy_expert(self, *arguments: Any, **options: Any) -> None:
                super().copy_expert(*arguments, **options)
                self._lose()

        connect = psycopg2.connect
        monkeypatch.setattr(psycopg2, "connect", lambda *a, **o: connect(*a, **o, cursor_factory=LosesTheFirstAnswer))

        store.add(batch(rows))

        admin.execute("SELECT count(*) FROM predictions")
        assert admin.fetchone() == (rows,)

    def test_that_cannot_be_made_is_not_tried_again_by_every_call(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = prediction_store(postgres_url)
        tried: list[object] = []

        def refuse(*arguments: object, **_: object) -> None:
            tried.append(arguments)
            raise psycopg2.OperationalError("connection refused")

        with monkeypatch.context() as away:
            away.setattr(psycopg2, "connect", refuse)
            for _ in range(20):
                with pytest.raises(DatabaseUnavailableError):
                    store.add(batch())
        assert len(tried) == 1

        time.sleep(NO_RETRY_S)
        store.add(batch())
        assert len(everything(store)) == 1

    def test_and_a_slow_statement_are_unavailable(self, postgres_url: str, admin: Any) -> None:
        store = prediction_store(postgres_url, timeout_ms=200)
        admin.execute("BEGIN; LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(DatabaseUnavailableError, match="QueryCanceled 57014"):
            store.add(batch())

        admin.execute("ROLLBACK")
        store.add(batch())


AMONG_A_MILLION = [
    HistoryQuery(limit=1000),
    HistoryQuery(use_case="titanic", limit=1000),
    HistoryQuery(use_case="iris", source="api", limit=1000),
    HistoryQuery(use_case="titanic", source="queue", limit=1000),
    HistoryQuery(use_case="titanic", source="webapp", model_version="v3", limit=1000),
    HistoryQuery(model_version="v2", limit=1000),
    HistoryQuery(use_case="iris", model_version="v0", start=NOON, limit=1000),
    HistoryQuery(use_case="unknown", limit=1000),
    HistoryQuery(use_case="titanic", model_version="unknown", limit=1000),
    HistoryQuery(entity_id="17", limit=1000),
    HistoryQuery(use_case="titanic", entity_id="17", source="api", prediction="1", limit=1000),
    HistoryQuery(entity_id="often", limit=1000),
    HistoryQuery(use_case="iris", entity_id="often", limit=1000),
    HistoryQuery(use_case="iris", prediction_id=f"{0:08}-0000-7000-8000-{17:012x}", limit=1000),
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("deep", [False, True], ids=["first page", "deep page"])
@pytest.mark.parametrize("query", AMONG_A_MILLION, ids=str)
def test_a_page_among_a_million_is_read_by_index_and_looks_at_a_twentieth_at_most(
    million_predictions: str, query: HistoryQuery, deep: bool
) -> None:
    if deep:
        query = replace(
            query, cursor=Cursor(datetime.now(UTC) - timedelta(days=6), "ffffffff" + "-ffff" * 3 + "-" + "f" * 12)
        )

    scans = list(scans_of(million_predictions, query))

    assert scans
    assert "Seq Scan" not in {scan["Node Type"] for scan in scans}
    assert sum(looked_at(scan) for scan in scans) <= 50_000  # make bench ARGS=storage shows the time this takes


def scans_of(url: str, query: HistoryQuery) -> Iterator[dict[str, Any]]:
    sql, parameters = pages.statement(query)
    [[[explained]]] = Postgres(url).rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
    nodes = [explained["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", ())
        if node["Node Type"].endswith("Scan"):
            yield node


def looked_at(scan: dict[str, Any]) -> float:
    """Return how many rows a scan took up, those it then left out included."""
    return float((scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"])
