"""Processes killed or frozen at every side effect lose and double nothing (see docs/reliability.md)."""

import pytest

from tests.kill.scenarios import MIXED, PREDICTED, SWEPT, TOLD
from tests.kill.table import find_places, in_the_middle, interruptions, lines, outcomes
from tests.kill.world import World

CHOSEN = 7


@pytest.mark.timeout(300)
def test_nothing_is_lost_or_doubled_at_some_of_the_points(worlds: list[World]) -> None:
    cases = list(interruptions(find_places(worlds, [MIXED, PREDICTED, TOLD, SWEPT])))

    done = outcomes(worlds, cases[:: len(cases) // CHOSEN])

    assert [(str(case), findings) for case, findings in done if findings] == []


@pytest.mark.proof
@pytest.mark.timeout(5_400)
def test_nothing_is_lost_or_doubled_at_any_point(worlds: list[World]) -> None:
    found = find_places(worlds)

    done = outcomes(worlds, [*interruptions(found), *in_the_middle(found)])

    print("", *lines(done), sep="\n")
    assert all(found.values())
    assert sum(map(len, found.values())) >= 70
    assert [(str(case), findings) for case, findings in done if findings] == []
