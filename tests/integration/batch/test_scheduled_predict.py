import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import redrive
import stack_env
from tabserve.alerts.outbox import Outbox
from tabserve.batch.markers import DynamoMarkers
from tabserve.batch.ports import ScheduledDependencies
from tabserve.batch.score_file import CHUNK
from tabserve.batch.service import Scored, score_pending
from tabserve.batch.store import PendingFiles
from tabserve.core.database import Database
from tabserve.core.records import Features, Origin
from tabserve.core.s3 import S3Store
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation_result import BadRow
from tabserve.serving.service import PredictRequest, predict_file
from tabserve.serving.store import prediction_store
from tests.definitions import CATALOG
from tests.factories import CONTEXT, good_object, ingestion, rows
from tests.fakes.models import VERSION, FakeModels
from tests.fakes.serving import predict_dependencies
from tests.lambdas import emulated, started

HEADER = "PassengerId,Survived,Pclass,Sex,Age,Fare,Embarked"


class Killed(BaseException):
    """The process ends here: no handler runs, nothing is tidied up."""


@dataclass
class DirectService:
    """The prediction API without HTTP: the same application function on the same database."""

    url: str
    models: FakeModels = field(default_factory=FakeModels)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.deps = predict_dependencies(prediction_store(self.url), models=self.models)

    def predict(self, use_case: str, records: Sequence[Features], origin: Origin) -> Mapping[int, str]:
        self.before()
        request = PredictRequest("r", use_case, "scheduled", records, origin)
        predict_file(request, origin, self.deps)
        self.after()
        return {}


class Cloud:
    """PostgreSQL, S3 and DynamoDB with one way to put a split file there."""

    def __init__(self, url: str, database: Database, aws: Any) -> None:
        self.url = url
        self.s3, self.dynamodb = aws.s3, aws.dynamodb
        self.database = database
        self.later = timedelta()

    def file(self, file_id: str, rows: int, bad: Sequence[int] = ()) -> None:
        verdict = ingestion(file_id, rows_total=rows + len(bad), rows_good=rows, rows_bad=len(bad))
        numbers = [number for number in range(1, rows + len(bad) + 1) if number not in bad]
        body = good_object(HEADER, {number: f"{number},1,3,female,30,7.25,S" for number in numbers})
        self.s3.put_object(Bucket="good", Key=verdict.good_key, Body=body)
        Ingestions(self.database).save(verdict, [], [BadRow(number, number + 1, "", ()) for number in bad])

    def run(
        self,
        after_each_chunk: Callable[[], None] = lambda: None,
        before_each_chunk: Callable[[], None] = lambda: None,
        models: FakeModels | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> Scored:
        with closing(Database(self.url)) as database:
            deps = ScheduledDependencies(
                catalog=CATALOG,
                files=PendingFiles(database),
                markers=DynamoMarkers(self.dynamodb, "markers", self.now),
                good=S3Store(self.s3, "good"),
                service=DirectService(self.url, models or FakeModels(), before_each_chunk, after_each_chunk),
                alerts=Outbox(database),
                clock=clock or self.now,
                new_id=lambda: str(uuid.uuid4()),
                run_again=lambda _function, _hop: None,
            )
            return score_pending(deps, str(uuid.uuid4()), lambda: 900)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return rows(self.database, sql)

    def marker(self, file_id: str) -> str:
        item = self.dynamodb.get_item(TableName="markers", Key={"pk": {"S": f"predict#{file_id}"}})["Item"]
        return str(item["status"]["S"])


@pytest.fixture
def cloud(postgres_url: str, postgres: Database) -> Iterator[Cloud]:
    with emulated(buckets=("good",), tables=("markers",)) as aws:
        yield Cloud(postgres_url, postgres, aws)


EXACTLY_ONCE = "SELECT file_id, count(*), count(DISTINCT row_number) FROM predictions GROUP BY 1 ORDER BY 1"


def test_every_good_row_of_every_file_gets_one_prediction(cloud: Cloud) -> None:
    cloud.file("f1", rows=CHUNK + 500, bad=[1, 77, 1300])
    cloud.file("f2", rows=3)

    scored = cloud.run()

    assert (scored.run.status, scored.run.files, scored.run.rows) == ("completed", 2, CHUNK + 503)
    assert cloud.rows(EXACTLY_ONCE) == [("f1", CHUNK + 500, CHUNK + 500), ("f2", 3, 3)]
    assert cloud.rows("SELECT count(*) FROM predictions WHERE file_id = 'f1' AND row_number IN (1, 77, 1300)") == [(0,)]
    assert cloud.rows("SELECT entity_id, row_number FROM predictions WHERE row_number = 2 AND file_id = 'f1'") == [
        ("2", 2)
    ]
    assert cloud.marker("f1") == "COMPLETED"
    assert cloud.run().run.status == "skipped"
    assert cloud.rows("SELECT status, files, rows FROM prediction_runs ORDER BY started_at") == [
        ("completed", 2, CHUNK + 503),
        ("skipped", 0, 0),
    ]


def test_runs_that_overlap_share_the_work(cloud: Cloud) -> None:
    for number in range(6):
        cloud.file(f"f{number}", rows=200)

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: cloud.run(), range(4)))

    assert sum(scored.run.files for scored in runs) == 6
    assert cloud.rows(EXACTLY_ONCE) == [(f"f{number}", 200, 200) for number in range(6)]


@pytest.mark.parametrize("chunks_before", [0, 1, 2])
def test_a_killed_run_is_resumed_without_losing_or_doubling_a_row(cloud: Cloud, chunks_before: int) -> None:
    cloud.file("f1", rows=2 * CHUNK + 10)
    left = iter(range(chunks_before))

    def die() -> None:
        if next(left, None) is None:
            raise Killed

    with pytest.raises(Killed):
        cloud.run(die)
    assert cloud.run().run.status == "skipped"  # the lease of the dead worker lasts
    cloud.later += timedelta(minutes=3)
    scored = cloud.run()

    assert cloud.rows(EXACTLY_ONCE) == [("f1", 2 * CHUNK + 10, 2 * CHUNK + 10)]
    assert scored.run.rows == 2 * CHUNK + 10 - min(CHUNK * (chunks_before + 1), 2 * CHUNK + 10)
    assert cloud.marker("f1") == "COMPLETED"


def test_a_promotion_between_tries_doubles_nothing(cloud: Cloud) -> None:
    cloud.file("f1", rows=40)

    def promote_and_try_again() -> None:
        again = DirectService(cloud.url, FakeModels("promoted"))
        again.predict("titanic", [{"Pclass": 3, "Sex": "female"}] * 40, Origin("f1", tuple(range(1, 41)), 1))

    cloud.run(promote_and_try_again)

    assert cloud.rows(EXACTLY_ONCE) == [("f1", 40, 40)]
    assert cloud.rows("SELECT DISTINCT model_version FROM predictions") == [(VERSION,)]
    assert cloud.marker("f1") == "COMPLETED"


def test_a_worker_that_wakes_up_after_its_lease_writes_nothing(cloud: Cloud) -> None:
    cloud.file("f1", rows=2 * CHUNK)

    def sleep() -> None:
        cloud.later += timedelta(minutes=3)
        assert cloud.run(models=FakeModels("of the second worker")).run.files == 1

    falls_asleep = cloud.now()
    slept = cloud.run(before_each_chunk=sleep, clock=lambda: falls_asleep)

    assert [(result.done, result.error, result.rows) for result in slept.results] == [(False, None, 0)]
    assert cloud.rows(EXACTLY_ONCE) == [("f1", 2 * CHUNK, 2 * CHUNK)]
    assert cloud.rows("SELECT DISTINCT model_version FROM predictions") == [("of the second worker",)]
    assert cloud.rows("SELECT predicted_at IS NOT NULL, prediction_fence FROM ingestions") == [(True, 2)]
    assert cloud.marker("f1") == "COMPLETED"


def test_a_file_goes_on_when_the_markers_are_lost(cloud: Cloud) -> None:
    cloud.file("f1", rows=2 * CHUNK)
    for _ in range(3):
        with pytest.raises(Killed):
            cloud.run(before_each_chunk=kill)
        cloud.later += timedelta(minutes=3)
    cloud.dynamodb.delete_item(TableName="markers", Key={"pk": {"S": "predict#f1"}})

    assert cloud.run().run.files == 1

    assert cloud.rows(EXACTLY_ONCE) == [("f1", 2 * CHUNK, 2 * CHUNK)]
    assert cloud.rows("SELECT prediction_fence FROM ingestions") == [(4,)]


def kill() -> None:
    raise Killed


def test_the_function_scores_on_a_schedule_event(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"PREDICT_FUNCTION": "predict", "GOOD_BUCKET": "good", "MARKERS_TABLE": "markers"}
    app = started("scheduled_predict", monkeypatch, DATABASE_URL=cloud.url, **settings)

    assert app.handler({}, CONTEXT)["status"] == "skipped"
    cloud.file("f1", rows=3)
    assert app.handler({}, CONTEXT)["status"] == "failed"

    # The logger of a service writes to the standard output that it first met, maybe that of another test.
    statuses = [vars(record)["status"] for record in caplog.records if record.getMessage() == "run finished"]
    assert statuses == ["skipped", "failed"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(line.get("ScheduledFailures") == [1.0] for line in lines)
    app.service.deps.files._database.close()


def test_files_that_were_given_up_are_reopened_by_a_command(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.file("f1", rows=3)
    PendingFiles(cloud.database).give_up_predicting("f1", 1, "the API refused row 2", [])
    monkeypatch.setenv("DATABASE_URL", cloud.url)
    monkeypatch.setenv("MARKERS_TABLE", "markers")
    monkeypatch.setattr(stack_env, "apply", lambda: False)

    assert redrive.main(["--predictions"]) == 0

    assert "1 files reopened" in capsys.readouterr().out
    assert cloud.run().run.files == 1
