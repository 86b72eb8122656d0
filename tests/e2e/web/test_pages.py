"""The web page in a real browser, in front of the running stack."""

import contextlib
import csv
import io
import time
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from browser import choose, file, settle, visit
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


def test_form_answers_with_a_sentence_and_its_reasons(page: Page, site: str) -> None:
    predict(page, site)
    expect(page.get_by_text("The model says")).to_contain_text("survived")
    expect(page.get_by_role("heading", name="What pushed it up or down")).to_be_visible()
    expect(page.get_by_text("Sex: female")).to_be_visible()
    expect(page.get_by_text("Exact, in log-odds")).to_be_visible()


def test_invalid_value_is_explained_beside_its_field(page: Page, site: str) -> None:
    visit(page, site, "predict")
    page.get_by_role("spinbutton", name="Age (0 – 120 years)").fill("500")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_text("Age must be a number from 0 to 120")).to_be_visible()
    expect(page.get_by_text("The model says")).to_have_count(0)


def test_another_use_case_brings_its_own_form(page: Page, site: str) -> None:
    visit(page, site, "predict")
    choose(page, "Use case", "Iris species")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_text("The model says")).to_contain_text("setosa")
    assert "use_case=iris" in page.url


def test_upload_shows_results_beside_reasons(page: Page, site: str) -> None:
    visit(page, site, "predict")
    page.get_by_role("tab", name="A CSV file").click()
    upload(page, "day.csv", FILE)
    page.get_by_role("button", name="Predict 4 rows").click()
    expect(page.get_by_text("Rows refused")).to_be_visible()
    settle(page)
    table = page.get_by_test_id("stDataFrame").last.locator("table")
    expect(table).to_contain_text("Pclass must be one of 1, 2, 3")
    expect(table).to_contain_text("Age must be a number")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all results").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert [row["prediction"] for row in rows] == ["survived", "", "", "died"]
    assert [bool(row["what is wrong"]) for row in rows] == [False, True, True, False]


def test_history_filters_and_takes_ground_truth(page: Page, site: str) -> None:
    predict(page, site)
    visit(page, site, "past-predictions")
    choose(page, "Source", "Queue")
    choose(page, "Predicted class", "died")
    expect(page.get_by_text("No prediction matches.")).to_be_visible()
    choose(page, "Source", "This page")
    choose(page, "Predicted class", "survived")
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("table")).to_contain_text("webapp")
    expect(table.locator("tbody tr td:nth-child(3)").filter(has_not_text="survived")).to_have_count(0)
    edit(page, table, column=1, text="survived")
    page.get_by_role("button", name="Save 1 outcome").click()
    expect(page.get_by_text("Saved 1 outcome")).to_be_visible()
    settle(page)
    assert cells(page.get_by_test_id("stDataFrame").first)[0][1] == "survived"


def edit(page: Page, table: Locator, column: int, text: str) -> None:
    """Write into a cell of the first row with the keyboard."""
    settle(page)
    row = table.locator("tbody tr").first
    cell = row.locator("td").nth(column)
    for _ in range(4):  # a grid may lose the focus that a click gives it
        table.click(position={"x": 60, "y": 52})
        with contextlib.suppress(AssertionError):
            expect(row.locator("td[aria-selected=true]")).to_have_count(1, timeout=2_000)
            break
    page.keyboard.press("Home")
    for _ in range(column):
        page.keyboard.press("ArrowRight")
    expect(cell).to_have_attribute("aria-selected", "true")
    page.keyboard.type(text[0])  # typing replaces what is there
    editor = page.get_by_test_id("portal").locator("input:not([aria-hidden]), textarea").last
    expect(editor).to_have_value(text[0])
    editor.press_sequentially(text[1:])
    expect(editor).to_have_value(text)
    page.keyboard.press("Enter")
    expect(cell).to_have_text(text)
    settle(page)


def test_history_is_walked_page_by_page(page: Page, site: str) -> None:
    visit(page, site, "predict")
    page.get_by_role("tab", name="A CSV file").click()
    many = FILE.splitlines()[0] + "\n" + "".join(f"{row},1,female,38,71.28,C,Mrs\n" for row in range(120))
    upload(page, "many.csv", many)
    page.get_by_role("button", name="Predict 120 rows").click()
    expect(page.get_by_text("Rows refused")).to_be_visible()
    visit(page, site, "past-predictions")
    first = cells(page.get_by_test_id("stDataFrame").first)
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_text("Page 2")).to_be_visible()
    settle(page)
    second = cells(page.get_by_test_id("stDataFrame").first)
    ids = [[row[10] for row in rows] for rows in (first, second)]
    assert all(ids)
    assert not {*ids[0]} & {*ids[1]}
    page.get_by_role("button", name="Newer").click()
    expect(page.get_by_text("Page 1")).to_be_visible()


def test_bad_rows_are_read_repaired_and_sent_again(page: Page, site: str) -> None:
    visit(page, site, "data-quality")
    if not page.get_by_role("button", name="Send the example file").is_visible():
        page.get_by_text("Check a CSV file").click()
    upload(page, "voyage.csv", FILE.replace("3,male,abc", "3,male,24"))
    page.get_by_role("button", name="Send this file").click()
    expect(page.get_by_role("heading", name="titanic/voyage-")).to_be_visible(timeout=60_000)
    settle(page)
    page.get_by_role("tab", name="Bad rows (1)").click()
    expect(page.get_by_text("Pclass: the value is none of the categories").first).to_be_visible()
    page.get_by_role("tab", name="Repair and send again").click()
    edit(page, page.get_by_test_id("stDataFrame").last, column=3, text="2")
    page.get_by_role("button", name="Send 1 rows again").click()
    expect(page.get_by_role("heading", name="voyage-").filter(has_text="repaired")).to_be_visible(timeout=60_000)
    settle(page)
    page.get_by_role("tab", name="Bad rows (0)").click()
    expect(page.get_by_text("Every row of this file is good.")).to_be_visible()


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


def test_the_form_works_with_the_keyboard_alone(page: Page, site: str) -> None:
    visit(page, site, "predict")
    page.get_by_role("spinbutton", name="Age (0 – 120 years)").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The model says")).to_be_visible()


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
