"""Many cases, shared out to worlds, and the table of what became of them."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

from tests.kill.audit import Finding, Kind
from tests.kill.cases import Case, places, run
from tests.kill.processes import Place
from tests.kill.scenarios import LONG, MIXED, PREDICTED, SCENARIOS, SWEPT, TOLD, Scenario
from tests.kill.world import World

REPORTED = 100
Found = Mapping[Scenario, Sequence[Place]]
Outcome = tuple[Case, Sequence[Finding]]


def find_places(worlds: Sequence[World], scenarios: Iterable[Scenario] = SCENARIOS) -> Found:
    """Return the places of each scenario."""
    return {scenario: places(worlds[0], scenario) for scenario in scenarios}


def interruptions(found: Found) -> Iterator[Case]:
    """Yield a kill at each place with two seeds, and a zombie at each."""
    for scenario, its in found.items():
        for place in its:
            yield from (Case(scenario, place, "kill", seed) for seed in (1, 2))
            yield Case(scenario, place, "freeze")


def in_the_middle(found: Found) -> Iterator[Case]:
    """Yield interruptions during which something changes or is away."""
    for scenario, how, meanwhile in (
        (MIXED, "kill", "another contract comes"),
        (MIXED, "freeze", "another contract comes"),
        (LONG, "kill", "another version is promoted"),
        (LONG, "freeze", "another version is promoted"),
        *((scenario, "freeze", "the database is away") for scenario in (MIXED, PREDICTED, TOLD, SWEPT)),
        (TOLD, "freeze", "the webhook is away"),
        (TOLD, "freeze", "the webhook hangs"),
    ):
        for place in found[scenario]:
            if "webhook" not in meanwhile or place.point.effect == "POST webhook":
                yield Case(scenario, place, how, meanwhile=meanwhile)  # type: ignore[arg-type]


def outcomes(worlds: Sequence[World], cases: Iterable[Case]) -> list[Outcome]:
    """Run cases, one a world at a time."""
    waiting, done = deque(cases), list[Outcome]()

    def work(world: World) -> None:
        while case := _next(waiting):
            done.append((case, run(world, case)))
            for finding in done[-1][1]:
                print(f"{case}\n    {finding}", flush=True)
            if len(done) % REPORTED == 0:
                print(f"{len(done)} cases", flush=True)

    with ThreadPoolExecutor(len(worlds)) as pool:
        try:
            list(pool.map(work, worlds))
        finally:
            waiting.clear()  # after Ctrl-C, or when one world has come to grief
    return done


def _next(waiting: deque[Case]) -> Case | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def lines(done: Sequence[Outcome]) -> Iterator[str]:
    """Yield a table: a line for each scenario and what happened in the middle, with the findings by kind."""
    kinds = get_args(Kind)
    groups: dict[str, list[Outcome]] = {}
    for case, findings in sorted(done, key=lambda each: str(each[0])):
        groups.setdefault(f"{case.scenario.name}; {case.meanwhile}", []).append((case, findings))
    yield f"{'':58} points killed frozen " + " ".join(kinds)
    for name, group in [*groups.items(), ("all", done)]:
        points = len({(case.scenario.name, case.place) for case, _ in group})
        hows = Counter(case.how for case, _ in group)
        amiss = Counter(finding.kind for _, findings in group for finding in findings)
        counts = " ".join(f"{amiss[kind]:{len(kind)}}" for kind in kinds)
        yield f"{name:58} {points:6} {hows['kill']:6} {hows['freeze']:6} {counts}"
