"""Dashboards in the page: the panels stand as they stand in Grafana."""

import pandas as pd
import pytest

from grafana import colors
from grafana.panels import WIDTH
from ui import panels
from ui.components import dashboard
from ui.components.markup import Stat, stats


@pytest.mark.parametrize("uid", panels.dashboards())
def test_every_panel_has_its_place(uid: str) -> None:
    board = panels.dashboards()[uid]
    lines = panels.lines(board)
    assert sum(map(len, lines)) == len(board["panels"])
    assert all(sum(panel["gridPos"]["w"] for panel in line) <= WIDTH for line in lines)
    assert [panel["gridPos"]["x"] for panel in lines[0]] == [0, 6, 12, 18]


def test_numbers_are_escaped() -> None:
    assert "<b>" not in stats([Stat("<b>", "<b>", '"<b>')])


def test_the_page_has_the_dashboards_that_read_the_database() -> None:
    assert [dashboard.title(board) for board in panels.dashboards().values()] == [
        *("Ingested data", "Drift and predictions")
    ]


@pytest.mark.parametrize(
    ("title", "value", "shown"),
    [
        ("Drift in the last window", 3.0, ("alarm", colors.BAD)),
        ("Accuracy, measured", 0.75, ("75.0 %", colors.WARNING)),
        ("Alerts open", 1_200.0, ("1,200", colors.BAD)),
        ("Alerts open", None, ("no data", colors.UNKNOWN)),
    ],
)
def test_a_number_is_written_and_coloured_as_its_panel_says(title: str, value: float | None, shown: object) -> None:
    (panel,) = (each for each in panels.dashboards()["tabserve-predictions"]["panels"] if each["title"] == title)
    frame = pd.DataFrame({"value": [] if value is None else [value]})
    assert panels.stat(panel, frame) == shown


def test_each_dashboard_leads_to_its_own_tab_of_the_page() -> None:
    found = [link["url"] for board in panels.dashboards().values() for link in board["links"] if link["type"] == "link"]
    assert found == [f"${{page}}/monitoring?use_case=${{use_case}}&tab={tab}" for tab in ("data", "predictions")]
