"""The page Predict: one record, or a CSV file."""

import csv
import io
import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from browser import PHONE, choose, file, settle, visit
from tests.e2e.web.conftest import Own
from tests.e2e.web.test_accessibility import violations
from tests.e2e.web.test_pages import FILE, cells, predict, upload

pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]

HEADER = FILE.splitlines()[0]
FORM, CSV = "predict?use_case=titanic", "predict?use_case=titanic&tab=csv"


def predict_file(page: Page, site: str, body: str) -> None:
    visit(page, site, CSV)
    upload(page, "day.csv", body)
    page.get_by_role("button", name=re.compile("^Predict .* rows?$")).click()
    expect(page.get_by_text("Rows refused")).to_be_visible(timeout=20_000)
    settle(page)


def downloaded(page: Page, button: str | re.Pattern[str]) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))


def test_form_answers_with_a_sentence_and_its_reasons_in_points(page: Page, site: str) -> None:
    predict(page, site)
    expect(page.get_by_text("The model says")).to_contain_text("survived")
    expect(page.get_by_role("heading", name="What pushed it up or down")).to_be_visible()
    expect(page.get_by_text("Sex: female")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\+\d+ points$")).first).to_be_visible()
    expect(page.get_by_text("Details: the exact effects in log-odds")).to_be_visible()


def test_invalid_value_is_explained_beside_its_field(page: Page, site: str) -> None:
    visit(page, site, FORM)
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


def test_the_form_works_with_the_keyboard_alone(page: Page, site: str) -> None:
    visit(page, site, FORM)
    page.get_by_role("spinbutton", name="Age (0 – 120 years)").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The model says")).to_be_visible()


def test_the_answer_is_in_sight_on_a_phone(phone: Page, site: str, axe_script: str) -> None:
    width, height = PHONE
    phone.set_viewport_size({"width": width, "height": height})
    visit(phone, site, FORM)
    phone.get_by_role("button", name="Predict", exact=True).click()
    said = phone.get_by_text("The model says")
    expect(said).to_be_visible()
    settle(phone)
    box = said.bounding_box()
    assert box is not None
    assert 0 < box["y"] < box["y"] + box["height"] < height
    expect(said).to_be_in_viewport(ratio=1)
    assert violations(phone, axe_script) == []


def test_the_answer_survives_a_refresh_and_can_be_sent_to_somebody_else(page: Page, own: Own, browser: Browser) -> None:
    visit(page, own.site, FORM)
    page.get_by_role("spinbutton", name="Age (0 – 120 years)").fill("61")
    page.get_by_role("button", name="Predict", exact=True).click()
    said = page.get_by_text("The model says").inner_text()
    page.wait_for_url("**prediction=*")
    page.reload()
    expect(page.get_by_text("The model says")).to_have_text(said)
    elsewhere = browser.new_page()
    elsewhere.goto(page.url)
    expect(elsewhere.get_by_text("The model says")).to_have_text(said)
    expect(elsewhere.get_by_role("spinbutton", name="Age (0 – 120 years)")).to_have_value("61")
    expect(elsewhere.get_by_role("heading", name="What pushed it up or down")).to_be_visible()
    elsewhere.close()


def test_back_leads_to_the_answer_before_and_its_record(page: Page, own: Own) -> None:
    visit(page, own.site, FORM)
    age, said = page.get_by_role("spinbutton", name="Age (0 – 120 years)"), page.get_by_text("The model says")
    texts = []
    for years in ("61", "5"):
        age.fill(years)
        page.get_by_role("button", name="Predict", exact=True).click()
        expect(page.get_by_text(f"Age: {years} years")).to_be_visible(timeout=20_000)
        settle(page)
        texts.append(said.inner_text())
    page.go_back()
    expect(said).to_have_text(texts[0])
    expect(age).to_have_value("61")
    page.go_back()
    expect(said).to_have_count(0)


def test_an_unknown_answer_is_said_to_be_so(page: Page, own: Own) -> None:
    visit(page, own.site, f"{FORM}&prediction={uuid.UUID(int=404)}")
    expect(page.get_by_text("There is no prediction")).to_be_visible()
    expect(page.get_by_role("button", name="Predict", exact=True)).to_be_visible()


def test_the_overview_leads_to_the_tab_for_files(page: Page, site: str) -> None:
    visit(page, site)
    page.get_by_role("link", name="Predict a CSV file").click()
    expect(page.get_by_text("Choose a CSV file")).to_be_visible()
    expect(page).to_have_url(re.compile("tab=csv"))
    page.reload()
    expect(page.get_by_text("Choose a CSV file")).to_be_visible()


def test_pictures_come_first_and_refused_rows_stand_apart_with_their_reasons(
    page: Page, site: str, axe_script: str
) -> None:
    predict_file(page, site, FILE + "5,3,male,,7.25,S,Mr\n")
    expect(page.get_by_text("What was predicted")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    expect(
        page.get_by_role("button", name="What was predicted: 2 (66.7 %) died, 1 (33.3 %) survived")
    ).not_to_have_count(0)
    expect(page.get_by_role("button", name="of 3 predictions have a probability of 90 % or more")).not_to_have_count(0)
    predicted, refused = (page.get_by_test_id("stDataFrame").nth(place).locator("table") for place in (0, 1))
    expect(predicted).not_to_contain_text("None")
    expect(predicted.locator("tbody tr")).to_have_count(3)
    expect(refused).to_contain_text("Pclass must be one of 1, 2, 3")
    expect(refused).to_contain_text("Age must be a number")
    assert violations(page, axe_script) == []
    rows = downloaded(page, "Download all results")
    assert [row["prediction"] for row in rows] == ["survived", "", "", "died", "died"]
    assert [bool(row["what is wrong"]) for row in rows] == [False, True, True, False, False]
    expect(page.get_by_role("button", name=re.compile("^Predict .* rows?$"))).to_have_count(0)


def test_probability_is_that_of_the_prediction_everywhere(page: Page, own: Own) -> None:
    visit(page, own.site, FORM)
    page.get_by_text("male", exact=True).click()
    page.get_by_role("spinbutton", name="Age (0 – 120 years)").fill("40")
    page.get_by_text("3", exact=True).click()
    page.get_by_role("button", name="Predict", exact=True).click()
    said = page.get_by_text("The model says").inner_text()
    found = re.search(r"says died, with a probability of (\d+) %", said)
    assert found is not None
    predict_file(page, own.site, f"{HEADER}\n1,3,male,40,71.28,C,Mr\n")
    shown = cells(page.get_by_test_id("stDataFrame").first)[0]
    assert shown[1] == "died"
    in_file = float(shown[2])
    [row] = downloaded(page, "Download all results")
    visit(page, own.site, "past-predictions?use_case=titanic")
    listed = cells(page.get_by_test_id("stDataFrame").first)[0]
    page.get_by_role("button", name="Prepare a download").click()
    of_list = downloaded(page, re.compile("^Download .* predictions?$"))[0]
    every = [in_file, float(listed[2])]
    every += [100 * float(each["probability of prediction"]) for each in (row, of_list)]
    assert [round(each) for each in every] == [int(found[1])] * 4


@pytest.mark.parametrize(
    ("row", "separator", "said"),
    [
        ("1;1;female;38,5;71,28;C;Mrs", ";", "Read as semicolon-separated, with decimal comma."),
        ("1\t1\tfemale\t38.5\t71.28\tC\tMrs", "\t", "Read as tab-separated."),
    ],
)
def test_files_of_other_spreadsheets_are_read_and_said_to_be_so(
    row: str, separator: str, said: str, page: Page, site: str
) -> None:
    predict_file(page, site, f"{HEADER.replace(',', separator)}\n{row}\n")
    expect(page.get_by_text(said)).to_be_visible()
    [shown] = cells(page.get_by_test_id("stDataFrame").first)
    assert shown[1] == "survived"
    assert "38.5" in shown


def test_a_large_file_is_refused_by_its_size(page: Page, site: str, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    row = "1,1,female,38,71.28,C,Mrs\n"
    large.write_text(f"{HEADER}\n{row * (75_000_000 // len(row))}")
    visit(page, site, CSV)
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_text("The file has 75 MB; 25 MB are the most here.")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("send it under Data quality")).to_be_visible()


def test_what_was_predicted_stays_when_the_api_goes_away_and_is_continued(page: Page, own: Own) -> None:
    rows = 40_000
    visit(page, own.site, CSV)
    page.locator("input[type=file]").set_input_files(
        file("many.csv", HEADER + "\n" + "".join(f"n{row},1,female,38,71.28,C,Mrs\n" for row in range(rows)))
    )
    page.get_by_role("button", name="Predict 40,000 rows").click()
    expect(page.get_by_text("of 40,000 rows")).to_be_visible()
    own.stop_api()
    expect(page.get_by_text("rows are predicted and stay so")).to_be_visible()
    own.start_api()
    page.get_by_role("button", name=re.compile("^Continue with row")).click()
    expect(page.get_by_text("Rows refused")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("button", name=re.compile("^Continue with row"))).to_have_count(0, timeout=60_000)
    with own.engine.connect() as connection:
        found = connection.execute(
            text("SELECT count(*), count(DISTINCT entity_id) FROM predictions WHERE entity_id LIKE 'n%'")
        )
        assert found.one() == (rows, rows)
