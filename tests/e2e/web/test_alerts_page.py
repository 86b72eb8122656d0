"""What is wrong, on the page: all of it, the worst first, grouped, of the chosen use case, until it is over."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, insert, text

from browser import settle, visit
from grafana.macros import expand
from tabserve.core import tables
from tests.e2e.web.conftest import Seeded
from ui import panels

pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]

VERSION = "20260101T000000Z-0a1b2c3d"
DRIFT = {"title": "titanic: Age drifted", "explanation": "Age differs.", "facts": {"columns": {"Age": {}}}}


def alert(rule: str, subject: str, minutes: float = 5, **changes: Any) -> Mapping[str, object]:
    """Return the row of an alert that began to fire some minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    values = {"id": str(uuid.uuid4()), "rule": rule, "subject": subject, "use_case": "titanic", "state": "firing"}
    return {**values, "severity": "critical", "payload": {}, "delivered_to": [], "created_at": at} | changes


def bad_file(seeded: Seeded, number: int, severity: str, **changes: Any) -> None:
    """Store a file of ten rows, of which some are bad, with its alert."""
    use_case = changes.pop("use_case", "titanic")
    file_id, key = f"{use_case}-{number}".ljust(64, "x"), f"{use_case}/day-{number}.csv"
    at = datetime.now(UTC) - timedelta(minutes=changes.pop("minutes", 10))
    file = {"file_id": file_id, "bucket": "raw", "key": key, "etag": "e", "use_case": use_case, "status": "done"}
    counts = {"rows_total": 10, "rows_good": 9 - number % 7, "rows_bad": 1 + number % 7, "criticality": severity}
    times = {"started_at": at, "finished_at": at, "report_key": "reports/a.html"}
    seeded.add(tables.ingestions, file | counts | times | changes)
    issue = {"file_id": file_id, "use_case": use_case, "column_name": "Sex", "rule": "missing_value", "rows": 3}
    seeded.add(tables.data_quality_issues, issue | {"sample": [], "detected_at": at})
    payload = {"file_id": file_id, "verdict": "done", "rows": "good and bad"}
    seeded.add(
        tables.alerts, alert("data_quality", key, use_case=use_case, severity=severity, payload=payload, created_at=at)
    )


def sixty_nine(seeded: Seeded) -> None:
    """Fire 31 high and 37 medium files, and, before all of them, critical drift."""
    seeded.add(tables.alerts, alert("drift", "titanic", minutes=600, payload=DRIFT))
    for number in range(68):
        bad_file(seeded, number, "high" if number < 31 else "medium")
    bad_file(seeded, 1, "high", use_case="iris")


def board_count(seeded: Seeded) -> int:
    """Return the number that the board shows for titanic."""
    boards = panels.dashboards()["tabserve-predictions"]["panels"]
    (panel,) = (each for each in boards if each["title"] == "Alerts open")
    now = datetime.now(UTC)
    sql = expand(panel["targets"][0]["rawSql"], now - timedelta(hours=6), now, {"use_case": "titanic"})
    with seeded.engine.connect() as connection:
        return int(connection.execute(text(sql)).one()[1])


def problems(page: Page) -> list[str]:
    return [each.inner_text() for each in page.locator("[class*=st-key-problem_]").all()]


def test_all_that_fires_is_counted_grouped_and_the_worst_is_first(page: Page, seeded: Seeded) -> None:
    sixty_nine(seeded)
    visit(page, seeded.site, "monitoring")
    drift, files = problems(page)
    assert "Age drifted" in drift
    assert "68 files have bad rows" in files
    assert "Sex: a required value is missing (204)" in files
    for chip in ("all 69", "1 critical", "31 high", "37 medium"):
        expect(page.get_by_role("radio", name=chip).or_(page.get_by_role("button", name=chip)).first).to_be_visible()
    assert board_count(seeded) == 69
    expect(page.get_by_text(re.compile("(use_case|verdict|rows): "))).to_have_count(0)


def test_a_chip_leaves_what_is_as_bad(page: Page, seeded: Seeded) -> None:
    sixty_nine(seeded)
    visit(page, seeded.site, "monitoring?severity=high")
    [files] = problems(page)
    assert "31 files have bad rows" in files
    page.get_by_text("1 critical", exact=True).first.click()
    settle(page)
    expect(page).to_have_url(re.compile("severity=critical"))
    assert "Age drifted" in problems(page)[0]


def test_a_problem_leads_to_the_worst_file_and_to_the_drifting_column(page: Page, seeded: Seeded) -> None:
    sixty_nine(seeded)
    visit(page, seeded.site, "monitoring")
    page.get_by_role("link", name="Open the worst file").click()
    expect(page).to_have_url(re.compile(r"/data-quality\?.*file=titanic-(6|13|20|27)x"))
    visit(page, seeded.site, "monitoring")
    page.get_by_role("link", name="See the columns").click()
    expect(page).to_have_url(re.compile(r"/monitoring\?.*tab=predictions"))


def test_alerts_of_another_use_case_are_not_shown(page: Page, seeded: Seeded) -> None:
    bad_file(seeded, 1, "high", use_case="iris")
    nobodys = alert("raw_files_not_ingested", "raw bucket", use_case=None, severity="high")
    seeded.add(tables.alerts, nobodys)
    visit(page, seeded.site, "monitoring?use_case=titanic")
    [only] = problems(page)
    assert "Raw files were not checked" in only
    visit(page, seeded.site, "monitoring?use_case=iris")
    assert len(problems(page)) == 2


def test_what_is_repaired_seen_or_old_is_over(page: Page, seeded: Seeded) -> None:
    bad_file(seeded, 1, "high")
    bad_file(seeded, 2, "high", minutes=8 * 24 * 60)
    title = {"title": "day-1.csv is repaired by day-1-repaired-2.csv"}
    seeded.add(tables.alerts, alert("data_quality", "titanic/day-1.csv", minutes=1, state="resolved", payload=title))
    seeded.add(tables.alerts, alert("data_quality", "titanic/a.csv", acknowledged_at=datetime.now(UTC)))
    seeded.add(tables.alerts, alert("drift", "titanic", acknowledged_at=datetime.now(UTC)))
    visit(page, seeded.site, "monitoring")
    expect(page.get_by_text("No alert is open.")).to_be_visible()
    [drift] = problems(page)
    assert "seen, and still so" in drift
    expect(page.get_by_test_id("stDataFrame").last.locator("table")).to_contain_text("day-1.csv is repaired by")


def test_what_came_and_went_within_one_run_is_not_told(page: Page, seeded: Seeded) -> None:
    at = datetime.now(UTC) - timedelta(minutes=3)
    for number, state in enumerate(("firing", "resolved")):
        moment = at + timedelta(microseconds=number)
        seeded.add(tables.alerts, alert("drift", "titanic", state=state, created_at=moment, sent_at=moment))
    visit(page, seeded.site, "monitoring")
    expect(page.get_by_text("Nothing in this time.")).to_be_visible()


@pytest.mark.parametrize("path", ["", "predict", "past-predictions", "data-quality", "monitoring", "models"])
def test_the_line_below_every_title_says_how_everything_is(path: str, page: Page, seeded: Seeded) -> None:
    at = datetime.now(UTC) - timedelta(minutes=2)
    of_window = {"use_case": "titanic", "model_version": VERSION, "window_start": at, "window_end": at, "n": 500}
    judged = {"method": "ks", "statistic": 0.1, "p_value": 0.001, "bins": []}
    for feature, state, effect in (("Age", "severe", 0.6), ("Fare", "alarm", 0.2), ("Sex", "ok", 0.0)):
        seeded.add(tables.drift_metrics, of_window | judged | {"feature": feature, "state": state, "effect": effect})
    measure = {"metric": "accuracy", "kind": "measured", "value": 0.78, "low": 0.74, "high": 0.81, "computed_at": at}
    seeded.add(tables.performance_metrics, of_window | measure)
    seeded.add(tables.alerts, alert("drift", "titanic", payload=DRIFT))
    visit(page, seeded.site, path)
    line = page.locator(".st-key-state")
    expect(line.get_by_role("link", name="Age drifted")).to_have_attribute(
        "href", re.compile(r"monitoring\?.*column=Age")
    )
    expect(line.get_by_role("link", name="2 of 3 columns drift: Age severe, Fare alarm")).to_be_visible()
    expect(
        line.get_by_role("link", name=re.compile("Accuracy 78 % .74 % to 81 %. measured; .* in training"))
    ).to_be_visible()
    expect(line.get_by_text("API and database answer")).to_be_visible()
    line.get_by_role("link", name="2 of 3 columns").click()
    expect(page).to_have_url(re.compile(r"/monitoring\?.*tab=predictions"))


def test_the_line_says_what_is_not_known_yet(page: Page, seeded: Seeded) -> None:
    visit(page, seeded.site, "monitoring")
    line = page.locator(".st-key-state")
    expect(line.get_by_role("link", name="No open alert")).to_be_visible()
    expect(line.get_by_role("link", name=re.compile("Drift is not known yet: needs .* predictions or"))).to_be_visible()
    expect(line.get_by_role("link", name=re.compile("Accuracy is not known yet"))).to_be_visible()


def test_the_first_page_says_first_what_is_wrong_and_leads_there(page: Page, seeded: Seeded) -> None:
    sixty_nine(seeded)
    rejected = {"status": "rejected", "rows_total": 0, "rows_good": 0, "rows_bad": 0}
    bad_file(seeded, 100, "high", **rejected)
    visit(page, seeded.site)
    wrong = page.get_by_role("heading", name="What is wrong").bounding_box()
    flow = page.get_by_text("Files arrived").bounding_box()
    assert wrong is not None
    assert flow is not None
    assert wrong["y"] < flow["y"]
    assert wrong["y"] < 500
    expect(page.get_by_text("267 of 680 rows are bad (39.3 %), 1 file is rejected as a whole")).to_be_visible()
    assert "Age drifted" in problems(page)[0]
    page.locator(".st-key-problem_0").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/monitoring\?.*tab=predictions"))


def test_the_first_page_counts_the_chosen_use_case(page: Page, seeded: Seeded) -> None:
    bad_file(seeded, 1, "low", use_case="iris")
    visit(page, seeded.site, "?use_case=titanic")
    expect(page.get_by_text("No file has arrived yet.")).to_be_visible()
    expect(page.get_by_text("never")).to_have_count(0)
    expect(page.get_by_text("none so far")).not_to_have_count(0)
    visit(page, seeded.site, "?use_case=iris")
    expect(page.locator(".ts-step").first).to_contain_text("1")
    expect(page.get_by_text("No file has arrived yet.")).to_have_count(0)


def test_seen_reaches_the_api_and_lasts(page: Page, site: str, stack: Mapping[str, str]) -> None:
    engine = create_engine(stack["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://", 1))
    subject = f"iris:{uuid.uuid4()}"
    payload = {"title": f"iris: {subject} is odd"}
    with engine.begin() as connection:
        connection.execute(insert(tables.alerts), alert("odd", subject, use_case="iris", payload=payload))
    try:
        visit(page, site, "monitoring?use_case=iris")
        row = page.locator("[class*=st-key-problem_]").filter(has_text=subject)
        row.get_by_role("button", name="Seen").click()
        expect(row).to_contain_text("seen, and still so")
        expect(row.get_by_role("button", name="Seen")).to_have_count(0)
        page.reload()
        settle(page)
        expect(row).to_contain_text("seen, and still so")
    finally:
        with engine.begin() as connection:
            connection.execute(tables.alerts.delete().where(tables.alerts.c.subject == subject))
        engine.dispose()
