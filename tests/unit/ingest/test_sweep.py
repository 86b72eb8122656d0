"""What the sweep finds: lost events and files that cannot be ingested."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tabserve.application.sweep import SweepDependencies, sweep
from tabserve.domain.quality import ObjectKeys, RawFile
from tests.factories import ingestion
from tests.fakes.alerts import FakeOutbox
from tests.fakes.ingestion import FakeIngestions

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


@dataclass
class World:
    """A raw bucket, a queue and what is known about files."""

    files: list[tuple[RawFile, datetime]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    ingestions: FakeIngestions = field(default_factory=FakeIngestions)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    now: datetime = NOW

    def __post_init__(self) -> None:
        raw, queue, world = type("Raw", (), {})(), type("Queue", (), {})(), self
        raw.files = lambda: iter(world.files)
        queue.send = world.bodies.append
        self.deps = SweepDependencies(raw, self.ingestions, queue, self.outbox, lambda: world.now)

    def drop(self, key: str, minutes_ago: float, version: str | None = None) -> RawFile:
        file = RawFile("raw", key, "etag", version)
        self.files.append((file, NOW - timedelta(minutes=minutes_ago)))
        return file

    def finish(self, file: RawFile) -> None:
        self.ingestions.verdicts[file.file_id] = verdict = ingestion(file.file_id)
        self.ingestions.note_objects(verdict, ObjectKeys(report="reports/a.html"))


def test_a_file_whose_event_was_lost_is_queued_as_s3_would_have_done() -> None:
    world = World()
    world.drop("orders/a b+c.csv", 11, "v1")
    world.finish(world.drop("orders/done.csv", 11))
    world.drop("orders/young.csv", 9)
    assert [file.key for file in sweep(world.deps).queued] == ["orders/a b+c.csv"]
    [record] = json.loads(world.bodies[0])["Records"]
    assert record["s3"]["object"] == {"key": "orders/a+b%2Bc.csv", "eTag": "etag", "versionId": "v1"}


def test_a_file_that_crashed_half_way_counts_as_missing() -> None:
    world = World()
    file = world.drop("orders/a.csv", 11)
    world.ingestions.verdicts[file.file_id] = ingestion(file.file_id, report_key=None)
    assert len(sweep(world.deps).queued) == 1


def test_a_file_nobody_can_ingest_is_an_alert_and_not_queued_for_ever() -> None:
    world = World()
    poison = world.drop("orders/poison.csv", 61)
    for _ in range(3):
        assert (swept := sweep(world.deps)).lost == 1
        assert swept.queued == []
    world.finish(poison)
    world.now += timedelta(minutes=5)
    sweep(world.deps)
    sweep(world.deps)
    fired, resolved = world.outbox.alerts.values()
    assert (fired.state, resolved.state) == ("firing", "resolved")
    assert fired.payload["such as"] == "orders/poison.csv"
