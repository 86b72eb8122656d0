"""The web page in a real browser, in front of the running stack."""

import time

import pytest
from playwright.sync_api import Locator, Page, expect

from browser import file, settle, visit
from tests.e2e.web.conftest import Serve
from tests.e2e.web.test_accessibility import PATHS

pytestmark = pytest.mark.timeout(300)

FILE = """PassengerId,Pclass,Sex,Age,Fare,Embarked,Name
1,1,female,38,71.28,C,Mrs
2,9,male,22,7.25,S,Mr
3,3,male,abc,7.25,S,Mr
4,3,male,22,7.25,S,Mr
"""


def cells(table: Locator) -> list[list[str]]:
    """Return the cells of the rows in sight."""
    expect(table.locator("tbody tr").first).to_be_attached()
    return [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]


def upload(page: Page, name: str, text: str) -> None:
    page.locator("input[type=file]").set_input_files(file(name, text))


def predict(page: Page, site: str) -> None:
    visit(page, site, "predict")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_text("The model says")).to_be_visible()


def test_overview_accounts_for_every_row(page: Page, site: str) -> None:
    visit(page, site)
    for station in ("Files arrived", "Rows checked", "Good rows", "Bad rows, kept aside", "Predictions"):
        expect(page.get_by_text(station, exact=True).first).to_be_visible()
    expect(page.get_by_text("Rows are missing")).to_have_count(0)
    page.get_by_role("link", name="Check a CSV file and read its report").click()
    expect(page.get_by_role("heading", name="Data quality")).to_be_visible()


def test_times_are_shown_in_utc_and_in_the_visitors_zone(page: Page, site: str) -> None:
    predict(page, site)
    visit(page, site, "past-predictions")
    heading = page.get_by_test_id("stDataFrame").first.locator("th").first
    expect(heading).to_have_text("time (UTC)")
    page.get_by_role("radio", name="Local (Asia/Tokyo)").or_(page.get_by_text("Local (Asia/Tokyo)")).first.click()
    expect(heading).to_have_text("time (Asia/Tokyo)")


@pytest.mark.parametrize("path", PATHS)
def test_first_useful_paint_and_no_key_in_the_page(path: str, page: Page, site: str, stack: dict[str, str]) -> None:
    visit(page, site, path)  # the first visit after a start also wakes the API
    started = time.monotonic()
    page.goto(f"{site}/{path}")
    expect(page.locator("h1")).to_be_visible()
    assert time.monotonic() - started < 3
    settle(page)
    assert stack["API_KEY"] not in page.content() + page.url


def test_with_a_wrong_key_the_page_says_where_the_right_one_is(page: Page, serve: Serve) -> None:
    site = serve(API_KEY="not-the-key-0123456789")
    page.goto(f"{site}/predict")
    expect(page.get_by_text("refuses this page's key").first).to_be_visible()
    expect(page.get_by_text(".local/stack.env")).to_be_visible()


def test_with_the_database_unavailable_predicting_still_works(page: Page, serve: Serve) -> None:
    site = serve(READER_DATABASE_URL="postgresql://reader@127.0.0.1:9/tabserve")
    predict(page, site)
    page.goto(f"{site}/data-quality")
    expect(page.get_by_text("The database does not answer.").first).to_be_visible()
