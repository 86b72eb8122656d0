"""Use cases of 200 and of 1 000 columns on the page, in front of a database of its own and of a made-up API."""

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, create_engine, delete, insert

from browser import PHONE, choose, settle, visit
from local_cloud import ui
from local_cloud.config import HOST, Place, free_ports
from tabserve.core import tables
from tests.conftest import create_database
from tests.e2e.web.test_accessibility import violations
from tests.e2e.web.test_boards import drift
from tests.e2e.web.test_boards import file as stored_file
from tests.factories import API_KEY
from tests.fakes.wide_api import COLUMNS, WideApi, serve

pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]

MOST_SECONDS = 10.0  # on a busy machine; alone each step takes about two
DEVICE = "device_0008"  # not among the important ones


@dataclass(frozen=True)
class Wide:
    """A page in front of a made-up API and a database of its own."""

    site: str
    api: WideApi
    engine: Engine


@pytest.fixture(scope="module")
def world(chromium_path: str, postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wide]:
    """The page of use cases of 200 and of 1 000 columns."""
    api, folder = WideApi(), tmp_path_factory.mktemp("wide")
    server = serve(api)
    database = create_database(postgres_server, f"wide_{uuid.uuid4().hex[:8]}", "template_tabserve")
    place = Place(folder, free_ports())
    site = f"http://{HOST}:{place.ports.ui}"
    env = {"API_KEY": API_KEY, "READER_DATABASE_URL": database, "UI_URL": site}
    page = ui.start(place, {**env, "API_URL": f"http://{HOST}:{server.server_port}"})
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg2://", 1))
    yield Wide(site, api, engine)
    page.stop()
    engine.dispose()
    server.shutdown()
    server.server_close()


def find(page: Page, text: str) -> None:
    page.get_by_label("Find a feature by its name").fill(text)
    page.keyboard.press("Enter")
    settle(page)


@pytest.mark.parametrize("columns", COLUMNS)
def test_one_record_of_many_columns_is_predicted_and_explained_on_request(
    columns: int, page: Page, world: Wide, axe_script: str
) -> None:
    began = time.monotonic()
    visit(page, world.site, f"predict?use_case=wide{columns}")
    main = page.get_by_test_id("stMain")
    fields = main.get_by_role("spinbutton").or_(main.get_by_role("radiogroup"))
    expect(fields).to_have_count(12)
    assert time.monotonic() - began < MOST_SECONDS
    find(page, DEVICE)
    expect(fields).to_have_count(1)
    main.get_by_text("many", exact=True).click()
    find(page, "")
    expect(page.get_by_text(f"Changed: {DEVICE}.")).to_be_visible()
    main.locator("summary").first.click()
    settle(page)
    assert 12 < fields.count() <= 62
    page.get_by_role("spinbutton", name="account_0000").fill("7")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_text("The model says")).to_contain_text("stays")
    settle(page)
    sent = world.api.sent[-1]
    assert (len(sent), sent[DEVICE], sent["account_0000"], sent["device_0001"]) == (columns, "many", 7, 480)
    page.get_by_role("spinbutton", name="account_0000").fill("8")
    page.get_by_role("button", name="Predict", exact=True).click()
    settle(page)
    assert (world.api.sent[-1]["account_0000"], world.api.sent[-1][DEVICE]) == (8, "many")
    explained = world.api.explained
    page.get_by_role("button", name="Explain this prediction").click()
    expect(page.get_by_role("heading", name="What pushed it up or down")).to_be_visible()
    expect(page.get_by_text(f"The other {columns - 15} features together")).to_be_visible()
    assert world.api.explained == explained + 1
    assert violations(page, axe_script) == []


def test_the_answer_is_in_sight_on_a_phone_and_before_the_groups(phone: Page, world: Wide, axe_script: str) -> None:
    phone.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    visit(phone, world.site, "predict?use_case=wide1000")
    phone.get_by_role("button", name="Predict", exact=True).click()
    expect(phone.get_by_text("The model says")).to_be_in_viewport(ratio=1)
    button = phone.get_by_role("button", name="Explain this prediction").bounding_box()
    groups = phone.get_by_role("heading", name="The other 988 features").bounding_box()
    assert button is not None
    assert groups is not None
    assert button["y"] < groups["y"]
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= PHONE[0]
    assert violations(phone, axe_script) == []


def test_the_columns_of_past_predictions_are_chosen_and_stand_in_the_address(page: Page, world: Wide) -> None:
    world.api.post("/predict", {"use_case": "wide200", "records": [dict.fromkeys(names(world, "wide200"), 1)]})
    visit(page, world.site, "past-predictions?use_case=wide200")
    head = page.get_by_test_id("stDataFrame").first.locator("thead")
    expect(head).to_contain_text("market_0199")
    expect(head).not_to_contain_text("account_0000")
    page.get_by_role("button", name="Clear all").click()
    settle(page)
    box = page.get_by_role("combobox", name="Columns of 200 features")
    box.fill("account_0000")
    page.keyboard.press("Enter")
    settle(page)
    expect(head).to_contain_text("account_0000")
    assert "account_0000" in page.url
    visit(page, world.site, f"past-predictions?use_case=wide200&columns={DEVICE},no_such")
    expect(head).to_contain_text(DEVICE)
    expect(head).not_to_contain_text("market_0199")


def test_a_file_of_many_columns_is_predicted_in_pieces(page: Page, world: Wide, tmp_path: Path) -> None:
    header = names(world, "wide1000")
    types = {each["name"]: each["type"] for each in world.api.definitions["wide1000"]["features"]}
    row = ",".join("some" if types[name] == "category" else "480.123456" for name in header)
    path = tmp_path / "wide.csv"
    path.write_text(f"CustomerId,{','.join(header)}\n" + "".join(f"{number},{row}\n" for number in range(400)))
    before = len(world.api.sent)
    visit(page, world.site, "predict?use_case=wide1000&tab=csv")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Predict 400 rows").click()
    expect(page.get_by_text("Rows refused")).to_be_visible(timeout=60_000)
    assert len(world.api.sent) - before == 400
    expect(page.get_by_text("The first 20 of 1,000 features are shown")).to_be_visible()


def test_a_thousand_columns_of_drift_come_in_parts(page: Page, world: Wide) -> None:
    states = {name: ("severe" if place < 3 else "ok", 0.5 / (place + 1)) for place, name in enumerate(names(world))}
    rows = drift(states, datetime.now(UTC) - timedelta(minutes=2))
    add(world, tables.drift_metrics, *({**row, "use_case": "wide1000"} for row in rows))
    began = time.monotonic()
    visit(page, world.site, "monitoring?use_case=wide1000&tab=predictions")
    expect(page.get_by_text("3 of 1,000 columns drift").first).to_be_visible()
    assert time.monotonic() - began < MOST_SECONDS
    expect(page.locator(".ts-drift summary")).to_have_count(20)
    choose(page, "Which of the 1,000 columns", "201 to 400")
    settle(page)
    expect(page.locator(".ts-drift summary")).to_have_count(200)
    assert "columns=201" in page.url


def test_numbers_of_seven_digits_fit_their_cards_and_larger_ones_are_short(
    page: Page, phone: Page, world: Wide
) -> None:
    with world.engine.begin() as connection:
        connection.execute(delete(tables.ingestions))
    large = {"rows_total": 9_999_999, "rows_good": 8_765_432, "rows_bad": 1_234_567}
    add(world, tables.ingestions, {**stored_file(1, datetime.now(UTC)), "use_case": "wide200", **large})
    for visitor in (page, phone):
        visitor.set_viewport_size({"width": 1440 if visitor is page else 390, "height": 900})
        visit(visitor, world.site, "?use_case=wide200")
        expect(visitor.locator(".ts-step-count").get_by_text("9,999,999")).to_be_visible()
        assert visitor.evaluate(OVERFLOWING) == []
    huge = {"rows_total": 2_009_999_999, "rows_good": 2_000_000_000, "rows_bad": 9_999_999}
    add(world, tables.ingestions, {**stored_file(2, datetime.now(UTC)), "use_case": "wide200", **huge})
    visit(page, world.site, "?use_case=wide200")
    count = page.locator(".ts-step-count").get_by_text("2.02 bn")
    expect(count).to_be_visible()
    expect(count).to_have_attribute("title", "2,019,999,998")


OVERFLOWING = """() => [...document.querySelectorAll('.ts-step-count')].filter(each => {
  const text = document.createRange();
  text.selectNodeContents(each);
  return text.getBoundingClientRect().right > each.getBoundingClientRect().right + 0.5;
}).map(each => each.textContent)"""


def names(world: Wide, use_case: str = "wide1000") -> list[str]:
    return [feature["name"] for feature in world.api.definitions[use_case]["features"]]


def add(world: Wide, table: Any, *rows: Mapping[str, object]) -> None:
    with world.engine.begin() as connection:
        connection.execute(insert(table), list(rows))
