"""What the sweep finds: lost events and files that cannot be ingested."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tabserve.core.files import RawFile
from tabserve.ingestion.sweep import SweepDependencies, sweep
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
        self.looked_up: set[str] = set()
        finished = self.ingestions.finished

        def looked_up(file_ids: Sequence[str]) -> set[str]:
            self.looked_up |= {file.key for file, _ in self.files if file.file_id in file_ids}
            return finished(file_ids)

        self.ingestions.finished = looked_up  # type: ignore[method-assign]
        self.deps = SweepDependencies(raw, self.ingestions, queue, self.outbox, lambda: world.now)

    def drop(self, key: str, minutes_ago: float, version: str | None = None) -> RawFile:
        file = RawFile("raw", key, "etag", version)
        self.files.append((file, NOW - timedelta(minutes=minutes_ago)))
        return file

    def finish(self, file: RawFile) -> None:
        self.ingestions.files[file.file_id] = verdict = ingestion(file.file_id)
        self.ingestions.note_objects(replace(verdict, report_key="reports/a.html"))


def test_a_file_whose_event_was_lost_is_queued_as_s3_would_have_done() -> None:
    world = World()
    world.drop("orders/a b+c.csv", 21, "v1")
    world.finish(world.drop("orders/done.csv", 21))
    world.drop("orders/young.csv", 19)
    assert [file.key for file in sweep(world.deps).queued] == ["orders/a b+c.csv"]
    [record] = json.loads(world.bodies[0])["Records"]
    assert record["s3"]["object"] == {"key": "orders/a+b%2Bc.csv", "eTag": "etag", "versionId": "v1"}


def test_a_file_that_crashed_half_way_counts_as_missing() -> None:
    world = World()
    file = world.drop("orders/a.csv", 21)
    world.ingestions.files[file.file_id] = ingestion(file.file_id, report_key=None)
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


def test_only_what_was_written_since_everything_had_its_verdict_is_looked_up() -> None:
    world = World()
    world.finish(world.drop("orders/old.csv", 3 * 24 * 60))
    poison = world.drop("orders/poison.csv", 2 * 24 * 60)
    world.finish(world.drop("orders/new.csv", 30))
    assert sweep(world.deps).lost == 1
    assert world.looked_up == {"orders/old.csv", "orders/poison.csv", "orders/new.csv"}
    for expected in ({"orders/old.csv", "orders/poison.csv", "orders/new.csv"}, {"orders/new.csv"}):
        world.looked_up.clear()
        sweep(world.deps)
        assert world.looked_up == expected, "a file that is lost stays in view until it has its verdict"
        world.finish(poison)
        sweep(world.deps)


def test_a_queue_that_is_away_leaves_the_alert_and_an_outbox_that_is_away_leaves_the_queue() -> None:
    for broken in ("queue", "alerts"):
        world = World()
        world.drop("orders/new.csv", 30)
        world.drop("orders/lost.csv", 61)
        away = type("Away", (), {"__getattr__": lambda *_: 1 / 0})()
        swept = sweep(replace(world.deps, **{broken: away}))
        assert [type(error) for error in swept.errors] == [ZeroDivisionError]
        assert (len(world.bodies), len(world.outbox.alerts)) == ((0, 1) if broken == "queue" else (1, 0))
