"""Dashboards in the page: the panels stand as they stand in Grafana."""

import pytest

from ui import panels
from ui.components import boards
from ui.components.markup import Stat, stats


@pytest.mark.parametrize("uid", boards.BOARDS)
def test_every_panel_has_its_place(uid: str) -> None:
    found = panels.dashboard(uid)["panels"]
    lines = boards.lines(found)
    assert sum(map(len, lines)) == len(found)
    assert all(sum(panel["gridPos"]["w"] for panel in line) <= boards.WHOLE_WIDTH for line in lines)
    assert [panel["gridPos"]["x"] for panel in lines[0]] == [0, 6, 12, 18]


def test_numbers_are_escaped() -> None:
    assert "<b>" not in stats([Stat("<b>", "<b>", '"<b>')])
