"""What is interrupted: a state of affairs and the invocation that is killed or frozen in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.kill import raw_files
from tests.kill.worker import Job
from tests.kill.world import A_WINDOW, Message, World

Prepare = Callable[[World], tuple[Job, Sequence[Message]]]


@dataclass(frozen=True)
class Scenario:
    """A name, and what leads up to the invocation of the victim: its job, with the messages that it holds."""

    name: str
    prepare: Prepare


def _arriving(*raws: Callable[[], raw_files.Raw]) -> Prepare:
    """Raw files arrive, in one batch."""

    def prepare(world: World) -> tuple[Job, Sequence[Message]]:
        messages = [world.upload(raw()) for raw in raws]
        return world.job("ingest", *messages), messages

    return prepare


def _ingested(function: str, *raws: Callable[[], raw_files.Raw]) -> Prepare:
    """Raw files were ingested; now a function is due."""

    def prepare(world: World) -> tuple[Job, Sequence[Message]]:
        world.processes.run(world.job("ingest", *[world.upload(raw()) for raw in raws]))
        return world.job(function), ()

    return prepare


def _filling(world: World) -> tuple[Job, Sequence[Message]]:
    """Good files have been written; now their features are stored."""
    _ingested("features", raw_files.mixed, raw_files.good)(world)
    messages = world.notifications()
    return world.job("features", *messages), messages


def _watched(world: World) -> tuple[Job, Sequence[Message]]:
    """Make files be predicted whose numbers have drifted; now the monitor is due."""
    _ingested("scheduled_predict", raw_files.long)(world)
    world.processes.run(world.job("scheduled_predict"))
    world.later += A_WINDOW
    rules = ("drift", "estimated_performance", "no_predictions")  # three windows: enough for all of them
    world.other_alerts += [(rule, "flowers") for rule in rules]
    return world.job("monitor"), ()


def _swept(world: World) -> tuple[Job, Sequence[Message]]:
    """The events of raw files were lost; now the bucket is swept."""
    for raw in (raw_files.mixed, raw_files.rejected):
        world.upload(raw())
    world.later += timedelta(minutes=20)
    return world.job("sweep"), ()


MIXED = Scenario("a mixed file arrives", _arriving(raw_files.mixed))
PREDICTED = Scenario("two files are predicted", _ingested("scheduled_predict", raw_files.mixed, raw_files.flowers))
LONG = Scenario("a long file is predicted", _ingested("scheduled_predict", raw_files.long))
TOLD = Scenario("alerts are sent", _ingested("alerts", raw_files.mixed, raw_files.rejected))
SWEPT = Scenario("lost events are found", _swept)
WATCHED = Scenario("drift is watched", _watched)
SCENARIOS = (
    Scenario("a good file arrives", _arriving(raw_files.good)),
    MIXED,
    Scenario("a wholly bad file arrives", _arriving(raw_files.wholly_bad)),
    Scenario("a file is rejected", _arriving(raw_files.rejected)),
    Scenario("good rows fill the feature store", _filling),
    PREDICTED,
    LONG,
    TOLD,
    SWEPT,
    WATCHED,
)
