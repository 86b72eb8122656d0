"""The page Past predictions: found by id, by filters, page by page, and what really happened."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import text

from browser import choose, edit, settle, visit
from tabserve.core.tables import ground_truth, predictions
from tests.e2e.web.conftest import Own
from tests.e2e.web.test_accessibility import violations
from tests.e2e.web.test_pages import cells, upload

pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]

PATH = "past-predictions?use_case=titanic"
LONG_AGO = datetime.now(UTC) - timedelta(days=40)


def stored(number: int, **changes: Any) -> dict[str, Any]:
    """A prediction that a man died, made some minutes ago."""
    values = {
        "id": str(uuid.UUID(int=number)),
        "request_id": "r",
        "use_case": "titanic",
        "model_version": "v1",
        "source": "webapp",
        "created_at": datetime.now(UTC) - timedelta(minutes=5, seconds=number),
        "features": {"Pclass": 3, "Sex": "male", "Age": 27.0, "Fare": None, "Embarked": "S"},
        "prediction": "0",
        "probability": 0.25,
        "probabilities": {"0": 0.75, "1": 0.25},
        "entity_id": f"passenger-{number}",
    }
    return values | changes


@pytest.fixture
def filled(own: Own) -> Iterator[Own]:
    """A hundred and twenty predictions of today, two of another class, one of long ago."""
    survived = {"prediction": "1", "probability": 0.9, "probabilities": {"0": 0.1, "1": 0.9}, "source": "queue"}
    own.add(
        predictions,
        *(stored(number) for number in range(1, 119)),
        *(stored(number, **survived, entity_id="twice") for number in (119, 120)),
        stored(121, entity_id="old", created_at=LONG_AGO),
    )
    yield own
    with own.engine.begin() as connection:
        connection.execute(text("TRUNCATE predictions CASCADE"))


def table(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").first


def test_the_columns_that_count_come_first_and_numbers_are_whole(page: Page, filled: Own) -> None:
    visit(page, filled.site, PATH)
    first = cells(table(page))[0]
    headings = table(page).locator("th").all_inner_texts()
    assert headings[:5] == ["time (UTC)", "prediction", "probability of prediction", "what happened ✎", "PassengerId"]
    assert first[1:9] == ["died", "75", "", "passenger-1", "3", "male", "27", ""]


def test_an_id_is_found_whenever_it_was_predicted(page: Page, filled: Own) -> None:
    visit(page, filled.site, PATH)
    search = page.get_by_label("Find by id")
    search.fill("old")
    search.press("Enter")
    expect(page.get_by_text("whenever they were made")).to_be_visible()
    settle(page)
    assert [row[4] for row in cells(table(page))] == ["old"]
    id_ = str(uuid.UUID(int=121))
    expect(page.get_by_test_id("stCode")).to_have_text(id_)
    expect(page).to_have_url(re.compile("id=old"))
    search.fill(id_.upper())
    search.press("Enter")
    settle(page)
    assert [row[4] for row in cells(table(page))] == ["old"]
    page.reload()
    settle(page)
    assert [row[4] for row in cells(table(page))] == ["old"]
    page.go_back()
    settle(page)
    expect(search).to_have_value("old")
    search.fill("nobody")
    search.press("Enter")
    expect(page.get_by_text("There is no prediction with this id")).to_be_visible()
    page.get_by_role("link", name="Predict", exact=True).click()
    settle(page)
    page.get_by_role("link", name="Past predictions", exact=True).click()
    settle(page)
    expect(page.get_by_text("Page 1")).to_be_visible()


def test_a_found_prediction_leads_to_its_answer_and_fills_the_form(page: Page, filled: Own) -> None:
    visit(page, filled.site, f"{PATH}&id=old")
    page.get_by_role("link", name="See why").click()
    expect(page.get_by_text("The model says died, with a probability of 75 %.")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Age (0 – 120 years)")).to_have_value("27")


def test_filters_and_the_page_stand_in_the_address(page: Page, filled: Own) -> None:
    visit(page, filled.site, PATH)
    choose(page, "Source", "Queue")
    choose(page, "Predicted class", "survived")
    choose(page, "When", "Last 7 days")
    assert [row[4] for row in cells(table(page))] == ["twice", "twice"]
    for part in ("source=queue", "class=1", "when=week"):
        expect(page).to_have_url(re.compile(part))
    page.reload()
    settle(page)
    assert [row[4] for row in cells(table(page))] == ["twice", "twice"]
    page.go_back()
    settle(page)
    expect(page.get_by_role("combobox", name="When")).to_have_value("Last 24 hours")
    choose(page, "Predicted class", "died")
    expect(page.get_by_text("No prediction matches.")).to_be_visible()


def test_pages_are_walked_forwards_back_and_by_address(page: Page, filled: Own) -> None:
    visit(page, filled.site, PATH)
    first = cells(table(page))
    for number in (2, 3):
        page.get_by_role("button", name="Older").click()
        expect(page.get_by_text(f"Page {number}")).to_be_visible()
        settle(page)
    last = cells(table(page))
    assert [rows[0][4] for rows in (first, last)] == ["passenger-1", "passenger-101"]
    page.reload()
    expect(page.get_by_text("Page 3")).to_be_visible()
    settle(page)
    assert cells(table(page)) == last
    page.go_back()
    expect(page.get_by_text("Page 2")).to_be_visible()
    page.get_by_role("button", name="Newer").click()
    expect(page.get_by_text("Page 1")).to_be_visible()
    settle(page)
    assert cells(table(page)) == first


def test_an_outcome_is_written_into_its_cell(page: Page, filled: Own) -> None:
    visit(page, filled.site, PATH)
    edit(page, table(page), column=3, text="survived")
    page.get_by_role("button", name="Save 1 outcome").click()
    expect(page.get_by_text("Saved 1 outcome")).to_be_visible()
    settle(page)
    assert cells(table(page))[0][3] == "survived"


def test_outcomes_are_handed_in_by_file_told_before_they_are_saved_and_safe_to_repeat(page: Page, filled: Own) -> None:
    now = datetime.now(UTC)
    known = [(3, "1"), (4, "0")]
    filled.add(
        ground_truth,
        *(
            {"prediction_id": str(uuid.UUID(int=n)), "use_case": "titanic", "actual": actual, "created_at": now}
            for n, actual in known
        ),
    )
    told = [
        *(f"{uuid.UUID(int=1)};survived", f"{uuid.UUID(int=2)};0", f"{uuid.UUID(int=3)};1", f"{uuid.UUID(int=4)};1"),
        *(f"{uuid.UUID(int=999)};died", f"{uuid.UUID(int=5)};alive", f"{uuid.UUID(int=6)};"),
    ]
    body = "\n".join(["prediction_id;what happened", *told])
    visit(page, filled.site, PATH)
    page.get_by_text("Many outcomes at once").click()
    upload(page, "outcomes.csv", body)
    told_of = page.locator("p", has_text="7 rows")
    expect(told_of).to_contain_text(
        "3 to save, 1 that change a stored outcome, 1 stored already, 2 that cannot be saved, 1 without an outcome"
    )
    settle(page)
    wrong = cells(page.get_by_test_id("stDataFrame").last)
    assert [row[0] for row in wrong] == ["5", "6"]
    assert [row[3] for row in wrong] == ["there is no prediction with this id", "“alive” is none of died or survived"]
    page.get_by_role("button", name="Save 3 outcomes").click()
    expect(page.get_by_text("Saved 3 outcomes.")).to_be_visible()
    expect(told_of).to_contain_text("4 stored already")
    expect(page.get_by_role("button", name=re.compile("^Save .* outcomes$"))).to_have_count(0)
    with filled.engine.connect() as connection:
        found = connection.execute(text("SELECT right(prediction_id::text, 1), actual FROM ground_truth ORDER BY 1"))
        assert [*map(tuple, found)] == [("1", "1"), ("2", "0"), ("3", "1"), ("4", "1")]


def test_an_outcome_by_entity_goes_to_its_latest_prediction(page: Page, filled: Own, axe_script: str) -> None:
    visit(page, filled.site, PATH)
    page.get_by_text("Many outcomes at once").click()
    upload(page, "outcomes.csv", "PassengerId,what happened\ntwice,died\npassenger-7,survived\nnobody,died\n")
    expect(page.get_by_text("1 of them are about an id with several predictions")).to_be_visible()
    settle(page)
    assert violations(page, axe_script) == []
    page.get_by_role("button", name="Save 2 outcomes").click()
    expect(page.get_by_text("Saved 2 outcomes.")).to_be_visible()
    with filled.engine.connect() as connection:
        found = connection.execute(text("SELECT prediction_id::text, actual FROM ground_truth ORDER BY 1"))
        assert [*map(tuple, found)] == [(str(uuid.UUID(int=7)), "1"), (str(uuid.UUID(int=119)), "0")]
