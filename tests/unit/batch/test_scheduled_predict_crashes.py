"""Kill the scheduled function before and after every single thing it does to the outside; nothing may be lost."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

from tabserve.batch.score_file import CHUNK
from tabserve.batch.service import score_pending
from tests.unit.batch.world import World

PORTS = ("files", "markers", "good", "service", "alerts")


class Killed(BaseException):
    """The process ends here: no handler runs, nothing is tidied up."""


@dataclass
class Killer:
    """Counts calls to the outside and kills before or after one of them; notes which one it was."""

    at: int
    before: bool
    calls: list[str] = field(default_factory=list)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            self.calls.append(name)
            due = len(self.calls) == self.at
            if due and self.before:
                raise Killed(name)
            result = call(*arguments, **options)
            if due:
                raise Killed(name)
            return result

        return wrapped


class Outside:
    """A port whose methods pass the killer first."""

    def __init__(self, port: Any, name: str, killer: Killer) -> None:
        self._port, self._name, self._killer = port, name, killer

    def __getattr__(self, method: str) -> Any:
        return self._killer.around(f"{self._name}.{method}", getattr(self._port, method))


def world() -> World:
    """Two files, the first of two chunks."""
    made = World()
    made.file("f1", rows=CHUNK + 5, bad=[2])
    made.file("f2", rows=3)
    return made


def run(made: World, killer: Killer | None = None) -> None:
    """Run once; under a killer every port is watched."""
    if killer is None:
        made.run()
        return
    deps = made.deps()
    watched: dict[str, Any] = {name: Outside(getattr(deps, name), name, killer) for name in PORTS}
    score_pending(replace(deps, **watched), "worker", lambda: made.seconds_left)


def crash_points() -> list[str]:
    watcher = Killer(at=0, before=True)
    run(world(), watcher)
    return watcher.calls


def test_there_are_enough_points_to_crash_at() -> None:
    assert 2 * len(crash_points()) >= 25


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("at", "name"), list(zip(count(1), crash_points(), strict=False)))
def test_a_kill_loses_and_doubles_nothing(at: int, name: str, before: bool) -> None:
    made = world()
    killer = Killer(at, before)
    with pytest.raises(Killed, match=name):
        run(made, killer)

    made.markers.now = made.markers.now.replace(year=2027)  # every lease has run out
    run(made)
    run(made)

    good = {"f1": {1, *range(3, CHUNK + 7)}, "f2": {1, 2, 3}}
    assert made.ingestions.rows_predicted == good
    assert set(made.ingestions.predicted) == {"f1", "f2"}
    assert made.ingestions.alerts == {}
    asked = [(file_id, row) for file_id, rows in made.service.asked for row in rows]
    again = len(asked) - len(set(asked))
    assert again in (0, CHUNK, 5, 3)  # at most the chunk whose answer was lost
    assert made.ingestions.to_predict(10) == []


@pytest.mark.parametrize("seed", range(20))
def test_kills_in_a_row_give_up_no_file_while_it_gets_ahead(seed: int) -> None:
    made = world()
    for at in ((seed * 7) % 9 + 1, (seed * 5) % 13 + 1):
        try:
            run(made, Killer(at, before=bool(seed % 2)))
        except Killed:
            made.markers.now = made.markers.now.replace(year=made.markers.now.year + 1)
    run(made)

    assert set(made.ingestions.predicted) == {"f1", "f2"}
    assert made.ingestions.errors == {}
