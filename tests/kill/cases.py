"""A case: a scenario is interrupted at one place, everything goes on until it is quiet, then the books are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.kill import models
from tests.kill.audit import Finding, audit
from tests.kill.processes import Place
from tests.kill.raw_files import Contract
from tests.kill.scenarios import Scenario
from tests.kill.webhook import Mood
from tests.kill.worker import How
from tests.kill.world import World


@dataclass(frozen=True)
class Case:
    """Where a scenario is interrupted, how, and what happens before it goes on."""

    scenario: Scenario
    place: Place
    how: How
    seed: int = 1
    meanwhile: str = "time passes"

    def __str__(self) -> str:
        return f"{self.scenario.name}: {self.how} {self.place}; {self.meanwhile}; seed {self.seed}"


def places(world: World, scenario: Scenario) -> list[Place]:
    """Return all places where a scenario can be interrupted: those that it passes when nothing happens."""
    world.begin(seed=0)
    job, _ = scenario.prepare(world)
    world.processes.interrupt()
    [ending] = world.processes.run(job)
    assert not ending.failed, ending
    return sorted(set(world.processes.passed))


def run(world: World, case: Case) -> list[Finding]:
    """Interrupt a scenario; return what does not hold in the end."""
    world.begin(case.seed)
    job, messages = case.scenario.prepare(world)
    world.processes.interrupt(case.place, case.how)
    endings = world.processes.run(job)
    if not world.processes.struck:
        return [Finding("missed", f"{case.place} was not reached")]
    MEANWHILE[case.meanwhile](world)
    world.processes.time_out()
    for ending in endings:
        world.settled(ending, messages)
    quiet = world.settle()
    world.processes.thaw()
    quiet = world.settle() and quiet
    findings = [] if quiet else [Finding("stuck", "there is always something left to do")]
    # Nobody can know whether an alert was heard of that was sent and not noted.
    repeats = 1 if case.place.function == "alerts" else 0
    return findings + list(audit(world, _contracts(world), repeats))


def _time_passes(world: World) -> None:
    """Let the leases of the victim run out, as before every round."""


def _promotion(world: World) -> None:
    models.exchange(world.cloud.registry)


def _contract(world: World) -> None:
    models.change_contract(world.cloud.registry)
    world.contract = "later"


def _database_away(world: World) -> None:
    with world.postgres.away():
        world.processes.thaw()


def _webhook(mood: Mood) -> Callable[[World], None]:
    def meanwhile(world: World) -> None:
        world.webhook.mood = mood
        world.processes.thaw()
        world.webhook.mood = "well"

    return meanwhile


MEANWHILE: Mapping[str, Callable[[World], None]] = {
    "time passes": _time_passes,
    "another version is promoted": _promotion,
    "another contract comes": _contract,
    "the database is away": _database_away,
    "the webhook is away": _webhook("away"),
    "the webhook hangs": _webhook("hanging"),
}


def _contracts(world: World) -> Mapping[str, Contract]:
    first = {use_case.contract_sha256: "first" for use_case in models.use_cases()}
    later = {use_case.contract_sha256: "later" for use_case in models.use_cases(world.later_definitions)}
    return {**later, **first}  # type: ignore[dict-item]
