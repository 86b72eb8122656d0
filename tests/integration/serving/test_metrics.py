import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from sqlalchemy import insert

from benchmarks.measurement import timed
from functions.predict.exposition import exposition
from tabserve.core.database import Database
from tabserve.core.tables import performance_metrics
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation_result import Issue
from tabserve.serving.metrics import RequestCount
from tabserve.serving.store import prediction_store
from tests.factories import VERSION, batch, ingestion, number_batch

NOW = datetime.now(UTC)
COUNT = f'tabserve_predictions_total{{class="1",model_version="{VERSION}",source="api",use_case="titanic"}}'


def lines(url: str) -> list[str]:
    return exposition(prediction_store(url).families()).decode().splitlines()


def test_an_empty_database_has_all_families_and_no_counts(database_url: str) -> None:
    text = lines(database_url)

    assert "# TYPE tabserve_predictions_total counter" in text
    assert "tabserve_pending_files 0.0" in text
    assert [line for line in text if line.startswith("tabserve_predictions_total")] == []


def test_performance_is_that_of_the_last_window_of_each_version(database_url: str) -> None:
    def found(version: str, minutes: int, value: float, **changes: Any) -> dict[str, Any]:
        end = NOW - timedelta(minutes=minutes)
        measured = {"metric": "accuracy", "kind": "measured", "n": 500, "alarm_limit": 0.7}
        interval = {"value": value, "low": value - 0.1, "high": value + 0.1}
        times = {"window_start": end - timedelta(minutes=5), "window_end": end, "computed_at": end}
        return {"use_case": "titanic", "model_version": version} | measured | interval | times | changes

    database = Database(database_url)
    rows = [found("v1", 60, 0.6), found("v1", 30, 0.8), found("v1", 5, 0.1, n=49)]
    rows += [found("v2", 9, 0.5, alarm_limit=None), found("v0", 50_000, 0.4)]
    with database.transaction() as connection:
        connection.execute(insert(performance_metrics), rows)
    database.close()

    told = [line for line in lines(database_url) if line.startswith("tabserve_performance")]
    labels = 'kind="measured",metric="accuracy",model_version="{}",use_case="titanic"'
    v1, v2 = labels.format("v1"), labels.format("v2")
    assert told == [
        f"tabserve_performance{{{v1}}} 0.8",
        f"tabserve_performance{{{v2}}} 0.5",
        f"tabserve_performance_low{{{v1}}} 0.7000000000000001",
        f"tabserve_performance_low{{{v2}}} 0.4",
        f"tabserve_performance_high{{{v1}}} 0.9",
        f"tabserve_performance_high{{{v2}}} 0.6",
        f"tabserve_performance_limit{{{v1}}} 0.7",
    ]


def test_predictions_are_counted_once_however_often_they_are_read(database_url: str) -> None:
    store = prediction_store(database_url)
    for stored in range(5, 30, 5):
        store.add(batch(5, created_at=datetime.now(UTC)))
        assert f"{COUNT} {stored}.0" in lines(database_url)
        assert f"{COUNT} {stored}.0" in lines(database_url)
        ten_minutes_pass(database_url)


def test_numbers_are_counted_together_for_there_are_too_many(database_url: str) -> None:
    store = prediction_store(database_url)
    store.add(number_batch([1.0, 2.0, 3.5], created_at=datetime.now(UTC)))
    for _ in range(2):
        [counted] = [line for line in lines(database_url) if line.startswith("tabserve_predictions_total{")]
        assert 'class=""' in counted
        assert counted.endswith(" 3.0")
        ten_minutes_pass(database_url)


def ten_minutes_pass(url: str) -> None:
    if url.startswith("sqlite"):
        return  # where everything is counted each time
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE predictions SET created_at = created_at - interval '10 minutes'")
        cursor.execute("UPDATE rollups SET until = until - interval '10 minutes'")
    connection.close()


def test_readers_at_the_same_time_count_nothing_twice(postgres_url: str) -> None:
    prediction_store(postgres_url).add(batch(50, created_at=NOW - timedelta(hours=1)))

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: lines(postgres_url), range(16)))

    counted = {line.split()[-1] for text in texts for line in text if line.startswith("tabserve_predictions_total")}
    assert counted == {"50.0"}


def test_files_rows_and_rules_are_counted(database: Database, database_url: str) -> None:
    store = Ingestions(database)
    store.save(ingestion("f1"), [Issue("Age", "not_a_number", 2, ())], [])
    store.save(ingestion("f2", use_case=None, status="rejected", rows_total=0, rows_good=0, rows_bad=0), [], [])

    text = lines(database_url)

    assert 'tabserve_files_total{criticality="medium",status="done",use_case="titanic"} 1.0' in text
    assert 'tabserve_files_total{criticality="medium",status="rejected",use_case=""} 1.0' in text
    assert 'tabserve_rows_total{quality="good",use_case="titanic"} 8.0' in text
    assert 'tabserve_data_quality_issues_total{rule="not_a_number",use_case="titanic"} 2.0' in text
    assert "tabserve_pending_files 1.0" in text


def test_the_requests_of_all_instances_add_up(database_url: str) -> None:
    first, second = prediction_store(database_url), prediction_store(database_url)
    first.add_requests([RequestCount("/predict", 200, 0.005, 3, 0.01), RequestCount("/predict", 503, math.inf, 1, 9.0)])
    second.add_requests([RequestCount("/predict", 200, 0.005, 4, 0.02)])

    text = lines(database_url)

    assert 'tabserve_requests_total{route="/predict",status="200"} 7.0' in text
    assert 'tabserve_request_seconds_bucket{le="+Inf",route="/predict"} 8.0' in text
    assert 'tabserve_request_seconds_sum{route="/predict"} 9.03' in text


@pytest.mark.timeout(120)
def test_a_million_predictions_are_read_fast(million_predictions: str) -> None:
    store = prediction_store(million_predictions)
    first, again = timed(store.families), min(timed(store.families) for _ in range(5))

    (predictions,) = (f for f in store.families() if f.name == "tabserve_predictions_total")
    assert sum(row[-1] for row in predictions.rows) == 1_000_000
    assert first < 5_000
    assert again < 50
