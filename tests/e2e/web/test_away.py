"""What the page says while the API or the database is away: once, on every page, with the way out."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser import settle, visit
from tabserve.core.tables import ingestions
from tests.e2e.web.conftest import Seeded, Serve
from tests.e2e.web.test_accessibility import PATHS, violations
from tests.factories import NOON

pytestmark = pytest.mark.timeout(300)

NOBODY = "http://127.0.0.1:9"
NO_DATABASE = "postgresql://reader@127.0.0.1:9/tabserve"
FILE_ID = "f" * 64


def banners(page: Page) -> list[str]:
    return [each.inner_text() for each in page.locator(".st-key-banners").get_by_role("alert").all()]


def sound(page: Page) -> None:
    """No part of the page broke, and the badges are there."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    expect(page.locator(".st-key-health").get_by_text(re.compile("answers|is away"))).to_have_count(2)


@pytest.fixture(scope="module")
def without_api(serve: Serve) -> str:
    return serve(API_URL=NOBODY)


@pytest.fixture(scope="module")
def without_anything(serve: Serve) -> str:
    return serve(API_URL=NOBODY, READER_DATABASE_URL=NO_DATABASE)


@pytest.mark.parametrize("path", PATHS)
def test_without_the_api_every_page_says_so_once(path: str, page: Page, without_api: str, axe_script: str) -> None:
    visit(page, without_api, path)
    [banner] = banners(page)
    assert "Nothing answers at" in banner
    assert "make up" in banner
    expect(page.get_by_role("button", name="Try again")).to_have_count(1)
    expect(page.get_by_text("API is away")).not_to_have_count(0)
    sound(page)
    assert violations(page, axe_script) == []


@pytest.mark.parametrize("path", PATHS)
def test_without_anything_every_page_has_a_banner_a_cause(path: str, page: Page, without_anything: str) -> None:
    visit(page, without_anything, path)
    api, database = banners(page)
    assert "API" in api or "Nothing answers" in api
    assert "The database does not answer." in database
    sound(page)


FILE = {
    "file_id": FILE_ID,
    "bucket": "raw",
    "key": "titanic/day.csv",
    "etag": "e",
    "use_case": "titanic",
    "status": "done",
    "rows_total": 10,
    "rows_good": 8,
    "rows_bad": 2,
    "criticality": "medium",
    "started_at": NOON,
    "finished_at": NOON,
    "report_key": "reports/a.html",
    "bad_key": "a.csv",
}


def test_a_database_that_goes_away_is_told_on_every_page_and_comes_back_by_itself(page: Page, seeded: Seeded) -> None:
    seeded.add(ingestions, FILE)
    visit(page, seeded.site)
    assert banners(page) == []
    seeded.take_database_away()
    expect(page.locator(".st-key-banners").get_by_role("alert")).to_have_count(1, timeout=20_000)
    for path in PATHS:
        visit(page, seeded.site, path)
        [banner] = banners(page)
        assert "The database does not answer." in banner
        assert "comes back by itself" in banner
        expect(page.get_by_text("Database is away")).not_to_have_count(0)
        sound(page)
    seeded.bring_database_back()
    expect(page.locator(".st-key-banners").get_by_role("alert")).to_have_count(0, timeout=20_000)
    settle(page)
    sound(page)


def test_on_the_phone_the_banner_is_the_first_thing(phone: Page, without_anything: str) -> None:
    visit(phone, without_anything, "monitoring")
    box = phone.locator(".st-key-banners").bounding_box()
    assert box is not None
    assert box["y"] < 200
