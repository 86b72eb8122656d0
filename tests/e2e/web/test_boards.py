"""The dashboards' panels in the page: the chosen zone, numbers people read, colours by meaning, the worst first."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from browser import settle, visit
from grafana import colors
from tabserve.core import tables
from tests.e2e.web.conftest import Seeded

pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]

VERSION = "20261120T000000Z-bbbbbbbb"
STATES = {"Age": ("severe", 0.643), "Sex": ("alarm", 0.081), "Fare": ("ok", 0.004), "@prediction": ("ok", 0.0)}
RULES = [f"rule_{number}" for number in range(26)]


def drift(states: Mapping[str, tuple[str, float]], end: datetime) -> list[dict[str, Any]]:
    """Return the rows of one window, as the monitor stores them."""
    return [
        {
            "use_case": "titanic",
            "model_version": VERSION,
            "feature": feature,
            "n": 500,
            "method": "ks",
            "window_start": end - timedelta(minutes=5),
            "window_end": end,
            "statistic": 0.1,
            "p_value": 0.001,
            "state": state,
            "effect": effect,
            "bins": [
                {"bin": "0", "reference": 250, "rows": 250 if effect < 0.02 else 450},
                {"bin": "1", "reference": 250, "rows": 250 if effect < 0.02 else 50},
            ],
        }
        for feature, (state, effect) in states.items()
    ]


def file(number: int, at: datetime, **changes: object) -> dict[str, Any]:
    """Return the row of one file."""
    return {
        "file_id": f"f{number}",
        "bucket": "raw",
        "key": f"titanic/{number}.csv",
        "etag": "e",
        "use_case": "titanic",
        "status": "done",
        "rows_total": 100,
        "rows_good": 90,
        "rows_bad": 10,
        "criticality": "medium",
        "started_at": at,
        "finished_at": at,
        "predicted_at": at,
        **changes,
    }


def open_board(page: Page, site: str, tab: str, more: str = "") -> None:
    visit(page, site, f"monitoring?{more}")
    page.get_by_role("tab", name=tab).click()
    settle(page)


def card(page: Page, title: str) -> Locator:
    """Return the panel of a title."""
    heading = page.get_by_text(title, exact=True).filter(visible=True)
    return page.get_by_test_id("stLayoutWrapper").filter(has=heading).filter(visible=True).last


def picture(page: Page, said: str) -> Locator:
    """Return the picture whose text says something."""
    return page.locator(f"[role=graphics-document][aria-label*='{said}']")


def texts(panel: Locator) -> list[str]:
    """Return everything that a panel's picture says."""
    expect(panel.locator("svg.marks text").first).to_be_attached()
    return panel.locator("svg.marks text").all_text_contents()


@pytest.mark.parametrize(("chosen", "zone"), [("", "UTC"), ("times=local", "Asia/Tokyo")])
def test_panels_draw_in_the_chosen_zone_as_the_table_below_says(
    page: Page, seeded: Seeded, chosen: str, zone: str
) -> None:
    now = datetime.now(UTC)
    seeded.add(tables.drift_metrics, *drift(STATES, now - timedelta(minutes=2)))
    open_board(page, seeded.site, "Drift and predictions", chosen)
    for title in ("Drift by column", "Effect by column", "Class mix against training"):
        said = texts(card(page, title))
        assert f"time ({zone})" in said
        clocks = [text for text in said if re.fullmatch(r"\d\d:\d\d", text)]
        assert len(clocks) >= 3
        hours = {(now - timedelta(hours=passed)).astimezone(ZoneInfo(zone)).hour for passed in range(7)}
        assert {int(clock[:2]) for clock in clocks} <= hours


def test_axes_have_plain_numbers_and_legends_room_for_the_plot(page: Page, seeded: Seeded) -> None:
    at = datetime.now(UTC) - timedelta(minutes=3)
    seeded.add(tables.drift_metrics, *drift(STATES, at))
    seeded.add(tables.ingestions, file(1, at))
    issue = {"file_id": "f1", "use_case": "titanic", "column_name": "Age", "sample": [], "detected_at": at}
    seeded.add(tables.data_quality_issues, *({**issue, "rule": rule, "rows": 5} for rule in RULES))
    open_board(page, seeded.site, "Ingested data")
    waiting = texts(card(page, "Rows waiting for a prediction"))
    assert "0" in waiting
    assert not [text for text in waiting if "NaN" in text]
    issues = card(page, "Issues by rule")
    expect(issues.locator(".ts-legend")).to_contain_text("others: 20 more")
    plot = issues.locator("svg.marks .mark-group.role-frame.root > g > path.background").bounding_box()
    assert plot is not None
    assert plot["height"] > 120
    page.get_by_role("tab", name="Drift and predictions").click()
    settle(page)
    effects = texts(card(page, "Effect by column"))
    assert "0.6" in effects
    assert not [text for text in effects if re.fullmatch(r"[\d.]+m", text)]


def test_colours_say_what_they_mean(page: Page, seeded: Seeded) -> None:
    at = datetime.now(UTC) - timedelta(minutes=3)
    seeded.add(tables.ingestions, file(1, at), file(2, at, criticality="high"), file(3, at, criticality="none"))
    open_board(page, seeded.site, "Ingested data")
    for title, names in (("Rows by quality", ("good", "bad")), ("Files by criticality", ("none", "medium", "high"))):
        shades = (
            card(page, title)
            .locator(".ts-legend li")
            .evaluate_all(
                "all => Object.fromEntries(all.map(one => [one.textContent, one.querySelector('i')?.style.background]))"
            )
        )
        assert {name: shades[name] for name in names} == {name: rgb(colors.MEANING[name]) for name in names}
        marks = card(page, title).locator("svg.marks .mark-rect path")
        drawn = {*marks.evaluate_all("all => all.map(one => one.getAttribute('fill'))")}
        assert drawn == {colors.MEANING[name] for name in names}


def rgb(color: str) -> str:
    return f"rgb({', '.join(str(int(color[place : place + 2], 16)) for place in (1, 3, 5))})"


def test_classes_have_the_names_people_read(page: Page, seeded: Seeded) -> None:
    seeded.add(tables.drift_metrics, *drift(STATES, datetime.now(UTC) - timedelta(minutes=2)))
    open_board(page, seeded.site, "Drift and predictions")
    expect(card(page, "Class mix against training").locator(".ts-legend")).to_contain_text("survived")


def test_an_empty_board_says_what_it_needs(page: Page, seeded: Seeded) -> None:
    open_board(page, seeded.site, "Drift and predictions")
    expect(card(page, "Effect by column")).to_contain_text("a window needs")


def test_the_worst_column_comes_first_with_two_histograms(page: Page, phone: Page, seeded: Seeded) -> None:
    seeded.add(tables.drift_metrics, *drift(STATES, datetime.now(UTC) - timedelta(minutes=2)))
    for visitor in (page, phone):
        open_board(visitor, seeded.site, "Drift and predictions")
        expect(visitor.get_by_text("2 of 4 columns drift: Age severe, Sex alarm.")).to_be_visible()
        rows = visitor.locator(".ts-drift summary")
        assert [row.split("\n")[0] for row in rows.all_inner_texts()] == ["Age", "Sex", "Fare", "predictions"]
        expect(rows.first).to_contain_text("severe")
        expect(rows.first).to_contain_text("effect 0.64")
        expect(rows.first.get_by_role("img", name="Age: 0 50% before, 90% now; 1 50% before, 10% now")).to_be_visible()
    expect(page.get_by_text("Serving against training: Age")).to_be_visible()
    for numbers in ("Now: Age severe, Sex alarm", "Last: Age 0.64"):
        expect(picture(page, numbers)).to_be_attached()
    page.bring_to_front()
    page.locator(".ts-drift summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("50.0 % → 90.0 %").first).to_be_visible()


def test_two_hundred_columns_show_the_worst_and_the_rest_on_request(page: Page, seeded: Seeded) -> None:
    states = {f"column_{number:03}": ("ok", number / 10_000) for number in range(200)} | {"column_150": ("alarm", 0.06)}
    seeded.add(tables.drift_metrics, *drift(states, datetime.now(UTC) - timedelta(minutes=2)))
    open_board(page, seeded.site, "Drift and predictions")
    expect(page.get_by_text("1 of 200 columns drifts: column_150 alarm.")).to_be_visible()
    expect(page.locator(".ts-drift summary")).to_have_count(20)
    expect(card(page, "Drift by column")).to_contain_text("the 20 of 200 columns that drifted most")
    expect(card(page, "Effect by column").locator(".ts-legend")).to_contain_text("others")
    page.get_by_role("button", name="Show all 200 columns").click()
    settle(page)
    expect(page.locator(".ts-drift summary")).to_have_count(200)
    assert "columns=all" in page.url


def test_a_file_stands_beside_the_others_of_its_source(page: Page, seeded: Seeded) -> None:
    now = datetime.now(UTC)
    names = [f"titanic/store_35_2026-11-{day:02}.csv" for day in range(1, 13)] + ["titanic/store_3_2026-11-01.csv"]
    files = [
        file(day, now - timedelta(days=len(names) - day), key=name, rows_bad=40 if day == 5 else 1)
        for day, name in enumerate(names)
    ]
    seeded.add(tables.ingestions, *files)
    visit(page, seeded.site, "data-quality?file=f5")
    expect(page.get_by_text("4.2 % of 1,200 rows in 12 files are bad; of this file 40.0 %.")).to_be_visible()
    drawn = picture(page, "Share of bad rows of the files of store_35: 1.0 %, 1.0 %")
    expect(drawn).to_be_visible()
    expect(drawn.locator("[aria-roledescription=bar]")).to_have_count(12)
    drawn.locator(".mark-symbol path").first.click()
    expect(page.get_by_role("heading", name="store_35_2026-11-01.csv")).to_be_visible()
    assert "file=f0" in page.url
