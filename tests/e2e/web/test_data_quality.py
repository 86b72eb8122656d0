"""The page on data quality: the verdict on a file, its report, its bad rows put right and sent again, in any state."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import text

from browser import file, settle, visit
from tabserve.core.tables import data_quality_issues, ingestions
from tests.e2e.web.conftest import Seeded, Serve

pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]

NOBODY = "http://127.0.0.1:9"
HEADER = "PassengerId,Pclass,Sex,Age,Fare,Embarked,Name"
GOOD, BAD = "1,1,female,38,71.28,C,Mrs", "2,9,male,22,7.25,S,Mr"
SECONDS = 60_000


@pytest.fixture(autouse=True)
def _laptop(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})


def lines(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows, ""])


def send(page: Page, site: str, name: str, body: str, path: str = "data-quality") -> None:
    """Hand in a file and wait for its verdict."""
    visit(page, site, path)
    if not page.get_by_role("button", name="Send the example file").is_visible():
        page.get_by_text("Check a CSV file").click()
    page.locator("input[type=file]").set_input_files(file(name, body))
    page.get_by_role("button", name=f"Send {name}").click()
    arrived(page, name.removesuffix(".csv"))


def arrived(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=re.compile(rf"^{name}-\d"))).to_be_visible(timeout=SECONDS)
    settle(page)
    crashed(page, times=0)


def test_the_report_is_a_part_of_the_page(page: Page, site: str, axe_script: str) -> None:
    send(page, site, "report.csv", lines(GOOD, BAD))
    expect(page.get_by_role("heading", name="6 of 7 expectations hold")).to_be_in_viewport()
    expect(page.get_by_role("row", name="broken Pclass one of 1, 2, 3")).to_contain_text("none of the categories (“9”)")
    expect(page.locator("iframe")).to_have_count(0)
    page.evaluate(axe_script)
    assert page.evaluate("axe.run().then(result => result.violations.map(each => each.id))") == []


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    settle(page)


def crashed(page: Page, times: int) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(times)


def file_id(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query)["file"][0]


def test_the_file_that_arrives_is_shown_with_its_verdict_in_sight(page: Page, site: str) -> None:
    send(page, site, "voyage.csv", lines(GOOD, BAD), "data-quality?name=nothing-like-it&criticality=low")
    verdict = page.get_by_text("1 of 2 rows is good, 1 bad.")
    expect(verdict).to_be_in_viewport()
    assert list(parse_qs(urlsplit(page.url).query)) == ["file"]
    page.reload()
    expect(verdict).to_be_in_viewport()
    page.get_by_role("button", name="All files").click()
    settle(page)
    expect(page.get_by_test_id("stDataFrame").locator("tbody tr").first).to_contain_text("voyage-")
    if not page.get_by_role("button", name="Send the example file").is_visible():
        page.get_by_text("Check a CSV file").click()
    expect(page.get_by_role("button", name="Send voyage.csv")).to_have_count(0)


def test_bad_rows_are_read_repaired_and_sent_again(page: Page, site: str) -> None:
    send(page, site, "again.csv", lines(GOOD, BAD, "3,3,male,abc,7.25,S,Mr"))
    open_tab(page, "Bad rows")
    expect(page.get_by_text("Pclass: the value is none of the categories").first).to_be_visible()
    open_tab(page, "Repair and send again")
    expect(page.get_by_role("button", name="Send 0 rows again")).to_be_disabled()
    grid = page.get_by_test_id("stDataFrame").last
    expect(grid.locator("tbody tr").first.locator("td").nth(2)).to_have_text("9")
    edit(page, grid, 2, "2")
    first = grid.locator("tbody tr").first.locator("td")
    expect(first.nth(1)).to_have_text("✓ good now")
    expect(first.nth(2)).to_have_text("2")
    page.get_by_role("button", name="Send 1 row again").click()
    expect(page.get_by_role("heading", name=re.compile("again-.*-repaired-"))).to_be_visible(timeout=SECONDS)
    settle(page)
    expect(page.get_by_text("The row is good now.")).to_be_in_viewport()
    expect(page.get_by_text("Rows sent: 1, of 2; 1 left as they are.")).to_be_in_viewport()


def test_what_is_wrong_alike_is_put_right_in_every_row_and_sent_once(page: Page, site: str) -> None:
    rows = [*(f"{number},3,Male,22,7.25,S,Mr" for number in range(100, 700)), "700,3,male,abc,7.25,S,Mr", GOOD]
    send(page, site, "many.csv", lines(*rows))
    stem = page.get_by_role("heading", name="many-").inner_text().removesuffix(".csv")
    open_tab(page, "Repair and send again")
    expect(page.get_by_text("Sex: “Male” in 600 rows becomes")).to_be_visible()
    page.get_by_role("button", name="Take the suggestion").click()
    settle(page)
    before_and_after = page.get_by_role("region", name="before and after")
    expect(before_and_after.locator("del")).to_have_text("Male")
    expect(before_and_after.locator("ins")).to_have_text("male")
    expect(page.get_by_text("Cell by cell: 1 of 601 rows")).to_be_visible()
    expect(page.get_by_text("1 of 601 rows still break a rule")).to_be_visible()
    page.get_by_role("button", name="Send 600 rows again").dblclick()
    expect(page.get_by_role("heading", name="-repaired-")).to_be_visible(timeout=SECONDS)
    settle(page)
    expect(page.get_by_text("All 600 rows are good now.")).to_be_in_viewport()
    expect(page.get_by_text("Rows sent: 600, of 601; 1 left as they are.")).to_be_in_viewport()
    page.get_by_role("button", name="All files").click()
    page.get_by_label("Find a file by name").fill(f"{stem}-repaired")
    page.keyboard.press("Enter")
    settle(page)
    repaired = page.get_by_test_id("stDataFrame").locator("tbody tr", has_text="many-")
    expect(repaired).to_have_count(1)


def edit(page: Page, table: Locator, column: int, choice: str) -> None:
    """Choose a value for a cell of the first row with the keyboard."""
    settle(page)
    row = table.locator("tbody tr").first
    table.click(position={"x": 30, "y": 52})
    expect(row.locator("td[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("Home")
    for _ in range(column):
        page.keyboard.press("ArrowRight")
    expect(row.locator("td").nth(column)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    editor = page.get_by_test_id("portal").locator("input:not([aria-hidden])").last
    editor.press_sequentially(choice)
    page.keyboard.press("Enter")
    settle(page)


def test_the_download_of_bad_rows_has_reasons_and_may_be_sent_back(page: Page, site: str) -> None:
    send(page, site, "sheet.csv", lines(GOOD, BAD))
    open_tab(page, "Repair and send again")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 1 bad rows with their reasons").click()
    body = Path(download.value.path()).read_text("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(body))
    assert (row["row in the file"], row["line in the file"]) == ("2", "3")
    assert row["why it is bad"] == "Pclass: the value is none of the categories (“9”)"
    send(page, site, "sheet-corrected.csv", body.replace(",9,male", ",2,male"))
    expect(page.get_by_text("The row is good.")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("name", "header", "said", "marked"),
    [
        ("gender", HEADER.replace("Sex", "Gender"), "The header lacks Sex.", ["Gender not read", "Sex missing"]),
        ("semicolons", HEADER.replace(",", ";"), "The columns are separated by a semicolon", []),
    ],
)
def test_a_rejected_file_says_what_is_wrong_and_how_it_should_begin(
    name: str, header: str, said: str, marked: list[str], page: Page, site: str
) -> None:
    send(page, site, f"{name}.csv", lines(GOOD, header=header))
    expect(page.get_by_text(said)).to_be_in_viewport()
    expect(page.get_by_text("The header expected")).to_be_in_viewport()
    for each in marked:
        expect(page.get_by_role("listitem").filter(has_text=each)).to_be_visible()
    expect(page.get_by_role("tab")).to_have_count(0)
    page.locator("input[type=file]").set_input_files(file("corrected.csv", lines(GOOD)))
    page.get_by_role("button", name="Send corrected.csv").click()
    arrived(page, "corrected")
    expect(page.get_by_text("The row is good.")).to_be_in_viewport()


def ingestion(name: str, **changes: object) -> Mapping[str, object]:
    """A file of titanic, judged a moment ago."""
    now = datetime.now(UTC)
    values = {"bucket": "raw", "key": f"titanic/{name}.csv", "etag": name, "use_case": "titanic", "status": "done"}
    rows = {"rows_total": 10, "rows_good": 8, "rows_bad": 2, "criticality": "medium"}
    times = {"started_at": now, "finished_at": now, "predicted_at": now}
    return {"file_id": f"id-{name}", **values, **rows, **times, **changes}


def test_a_file_can_be_read_while_the_api_is_away(page: Page, seeded: Seeded, serve: Serve) -> None:
    seeded.add(ingestions, ingestion("a", report_key="reports/a.html"))
    database = seeded.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    without = serve(API_URL=NOBODY, READER_DATABASE_URL=database)
    for tab in ("", "&tab=bad-rows", "&tab=repair"):
        visit(page, without, f"data-quality?file=id-a{tab}")
        crashed(page, times=0)
        expect(page.get_by_text("8 of 10 rows are good, 2 bad.")).to_be_in_viewport()
        expect(page.get_by_text("API is away").filter(visible=True)).not_to_have_count(0)


def test_a_link_to_a_rejected_file_without_anything_behind_it_holds(page: Page, seeded: Seeded) -> None:
    refused = {"rows_total": 0, "rows_good": 0, "rows_bad": 0, "predicted_at": None, "criticality": "high"}
    seeded.add(ingestions, ingestion("a", status="rejected", error="missing_column: The header lacks Sex.", **refused))
    issue = {"use_case": "titanic", "rule": "missing_column", "rows": 0, "sample": [], "detected_at": datetime.now(UTC)}
    seeded.add(data_quality_issues, {"file_id": "id-a", "column_name": "", **issue})
    visit(page, seeded.site, "data-quality?file=id-a")
    crashed(page, times=0)
    expect(page.get_by_text("The header lacks Sex.")).to_be_in_viewport()


def test_fifty_files_are_walked_by_pages_that_stand_in_the_address(page: Page, seeded: Seeded) -> None:
    now, long = datetime.now(UTC), "quarterly-export-of-the-northern-region-"
    seeded.add(
        ingestions,
        *(
            ingestion(f"{long}{place:02}", rows_total=1_234_567, finished_at=now - timedelta(minutes=place))
            for place in range(50)
        ),
    )
    visit(page, seeded.site, "data-quality")
    table = page.get_by_test_id("stDataFrame")
    first = table.locator("tbody tr").first
    expect(first).to_contain_text(f"{long}00.csv")
    expect(first).not_to_contain_text("titanic/")
    assert table.locator(".dvn-scroller").evaluate("grid => grid.scrollWidth - grid.clientWidth") <= 1
    page.get_by_role("spinbutton", name="Page, of 3").fill("3")
    page.keyboard.press("Enter")
    expect(first).to_contain_text(f"{long}40.csv")
    page.reload()
    expect(first).to_contain_text(f"{long}40.csv")
    settle(page)
    table.click(position={"x": 16, "y": 52})
    expect(page.get_by_role("heading", name=f"{long}40.csv")).to_be_in_viewport()
    expect(page).to_have_url(re.compile(f"file=id-{long}40"))


PREDICTIONS = """
INSERT INTO predictions (id, request_id, use_case, model_version, source, created_at, features, prediction,
                         probability, probabilities, file_id, row_number)
SELECT gen_random_uuid(), 'r', 'titanic', 'v', 'scheduled', now() - interval '100 seconds' * (1 - n / 84500.0), '{}',
       '0', 0.5, '{}', 'id-large', n FROM generate_series(1, 84500) AS n
"""


def test_a_large_file_says_how_far_it_is_and_how_long_it_takes(page: Page, seeded: Seeded) -> None:
    large = {"rows_total": 100_000, "rows_good": 98_000, "rows_bad": 2_000, "predicted_at": None}
    seeded.add(ingestions, ingestion("large", **large))
    with seeded.engine.begin() as connection:
        connection.execute(text(PREDICTIONS))
    visit(page, seeded.site, "data-quality?file=id-large")
    expect(page.get_by_text(re.compile(r"84,500 of 98,000 predicted, about \d+ s left"))).to_be_in_viewport()
    expect(page.get_by_role("progressbar")).to_be_in_viewport()
    expect(page.get_by_text("next run")).to_have_count(0)
    visit(page, seeded.site, "data-quality")
    expect(page.get_by_test_id("stDataFrame").locator("tbody tr").first).to_contain_text("86 % predicted")


def test_a_file_of_75_megabytes_gives_a_sign_at_once_and_is_judged(page: Page, site: str, tmp_path: Path) -> None:
    path = tmp_path / "heavy.csv"
    path.write_text(lines(*(f"{row},1,female,38,71.28,C,{'x' * 30_000}" for row in range(2_500))))
    visit(page, site, "data-quality")
    if not page.get_by_role("button", name="Send the example file").is_visible():
        page.get_by_text("Check a CSV file").click()
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Send heavy.csv").click(timeout=SECONDS)
    signs = [page.get_by_text(text) for text in ("Sending heavy.csv, 75 MB", "is being checked", "2,500 rows are good")]
    expect(signs[0].or_(signs[1]).or_(signs[2]).first).to_be_visible()  # a fast disk leaves none of them for long
    arrived(page, "heavy")
    expect(page.get_by_text("All 2,500 rows are good.")).to_be_in_viewport()
