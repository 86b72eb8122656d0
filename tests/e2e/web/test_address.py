"""The address holds the state: links, back, forward and refresh lead to what was seen."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser import choose, settle, visit
from tests.e2e.web.conftest import Seeded

pytestmark = pytest.mark.timeout(300)


def use_case(page: Page) -> str:
    return page.get_by_role("combobox", name="Use case").input_value()


def test_a_link_names_the_use_case_and_every_page_keeps_it(page: Page, site: str) -> None:
    visit(page, site, "models?use_case=iris")
    assert use_case(page) == "Iris species"
    page.get_by_role("link", name="Predict", exact=True).click()
    expect(page).to_have_url(re.compile(r"/predict\?use_case=iris$"))
    settle(page)
    assert use_case(page) == "Iris species"
    page.reload()
    settle(page)
    assert use_case(page) == "Iris species"


def test_a_name_nobody_knows_is_taken_out_of_the_address(page: Page, site: str) -> None:
    visit(page, site, "models?use_case=cars")
    expect(page).to_have_url(re.compile(r"/models$"))


def test_back_and_forward_walk_through_what_was_chosen(page: Page, site: str) -> None:
    visit(page, site, "models")
    choose(page, "Use case", "Iris species")
    page.get_by_role("link", name="Monitoring", exact=True).click()
    settle(page)
    page.go_back()
    settle(page)
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    assert use_case(page) == "Iris species"
    page.go_back()
    settle(page)
    assert use_case(page) != "Iris species"
    page.go_forward()
    settle(page)
    assert use_case(page) == "Iris species"


@pytest.mark.parametrize(("path", "title"), [("", "Overview"), ("data-quality", "Data quality")])
def test_every_page_has_its_title(path: str, title: str, page: Page, seeded: Seeded) -> None:
    visit(page, seeded.site, path)
    expect(page).to_have_title(f"{title} · tabserve")


def test_the_zone_of_times_is_kept(page: Page, site: str) -> None:
    visit(page, site, "past-predictions?times=local")
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page).to_have_url(re.compile(r"/models\?times=local$"))
