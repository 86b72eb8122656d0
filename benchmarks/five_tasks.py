"""Do the five main tasks of the web page in a browser, and say what each takes: clicks, and seconds of waiting.

`make five-tasks` prints every step as a person would do it, on the running stack. What the tasks took before the page
said first what is wrong, and had search and repair of all alike, stands beside.
"""

import argparse
import csv
import io
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

import stack_env
from browser import WIDE, chromium, edit, file, settle, visit
from ui.api import ApiClient
from ui.settings import read_settings

USE_CASE = "titanic"
ROWS = 400
HEADER = ["PassengerId", "Pclass", "Sex", "Age", "Fare", "Embarked"]
PATIENCE_MS = 60_000


@dataclass
class Visitor:
    """Somebody at the page who counts clicks and seconds of waiting."""

    page: Page
    env: Mapping[str, str]
    clicks: int = 0
    seconds: float = 0.0

    def arrive(self) -> None:
        """Open the first page; from here on everything counts."""
        visit(self.page, self.env["UI_URL"])
        self.clicks, self.seconds = 0, 0.0

    def click(self, what: Locator, name: str, until: Locator) -> None:
        """Click, and wait until something is seen."""
        print(f"    click “{name}”")
        self._wait(what.click, until)
        self.clicks += 1

    def follow(self, link: Locator, name: str) -> None:
        """Click a link to another page, and wait until that one is drawn."""
        print(f"    click “{name}”")
        before, started = self.page.url, time.monotonic()
        link.click()
        self.page.wait_for_url(lambda url: url != before)
        settle(self.page)
        self.seconds += time.monotonic() - started
        self.clicks += 1

    def hand_in(self, name: str, text: str, until: Locator) -> None:
        """Choose a file: a click that opens the dialog and one on the file."""
        print(f"    choose the file {name}")
        chooser = self.page.locator("input[type=file]").filter(visible=None).last
        self._wait(lambda: chooser.set_input_files(file(name, text)), until)
        self.clicks += 2

    def type(self, field: Locator, text: str, until: Locator) -> None:
        """Type into a field and press Enter."""
        print(f"    type “{text}” and press Enter")
        field.fill(text)
        self._wait(lambda: field.press("Enter"), until)

    def _wait(self, action: Callable[[], object], until: Locator) -> None:
        started = time.monotonic()
        action()
        expect(until.first).to_be_visible(timeout=PATIENCE_MS)
        self.seconds += time.monotonic() - started


def in_sight(page: Page, what: Locator) -> bool:
    """Return whether something is seen without scrolling."""
    box = what.first.bounding_box()
    size = page.viewport_size
    return box is not None and size is not None and box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


def predict_one(visitor: Visitor) -> str:
    """Predict one record."""
    page = visitor.page
    button = page.get_by_role("button", name="Predict", exact=True)
    visitor.click(page.get_by_role("link", name="Predict one record"), "Predict one record", button)
    settle(page)
    answer = page.get_by_text("The model says")
    visitor.click(button, "Predict", answer)
    return _sight(page, answer, "answer")


def predict_file(visitor: Visitor) -> str:
    """Predict a CSV file and download the results."""
    page = visitor.page
    uploader = page.get_by_test_id("stFileUploader")
    visitor.click(page.get_by_role("link", name="Predict a CSV file"), "Predict a CSV file", uploader)
    settle(page)
    button = page.get_by_role("button", name=f"Predict {ROWS} rows")
    visitor.hand_in("passengers.csv", _csv(["female"] * ROWS), button)
    download = page.get_by_role("button", name="Download all results")
    visitor.click(button, f"Predict {ROWS} rows", download)
    with page.expect_download():
        visitor.click(download, "Download all results", download)
    return f"{ROWS} rows"


def repair_file(visitor: Visitor) -> str:
    """Check a file, read why rows are bad, repair them and send them again."""
    page = visitor.page
    send = page.get_by_role("button", name="Send day.csv")
    uploader = page.get_by_text("Check a CSV file: choose it")
    link = page.get_by_role("link", name="Check a CSV file and read its report")
    visitor.click(link, "Check a CSV file and read its report", uploader)
    settle(page)
    if not page.get_by_test_id("stFileUploader").is_visible():
        visitor.click(uploader, "Check a CSV file", page.get_by_test_id("stFileUploader"))
    visitor.hand_in("day.csv", _csv(["Female"] * 5 + ["male"] * 10), send)
    verdict = page.get_by_text("10 of 15 rows are good")
    visitor.click(send, "Send day.csv", verdict)
    seen = _sight(page, verdict, "verdict")
    settle(page)
    take = page.get_by_role("button", name="Take the suggestion")
    visitor.click(page.get_by_role("tab", name="Repair and send again"), "Repair and send again", take)
    again = page.get_by_role("button", name="Send 5 rows again")
    visitor.click(take, "Take the suggestion", again.and_(page.locator(":enabled")))
    settle(page)
    repaired = page.get_by_text("All 5 rows are good")
    visitor.click(again, "Send 5 rows again", repaired)
    return f"{seen}, {_sight(page, repaired, 'verdict on the repaired rows')}"


def tell_outcome(visitor: Visitor) -> str:
    """Find a prediction by its id and enter what happened."""
    page = visitor.page
    search = page.get_by_label("Find by id")
    link = page.get_by_role("link", name="Look up past predictions")
    visitor.click(link, "Look up past predictions", search)
    settle(page)
    id_ = _some_prediction(visitor.env)
    visitor.type(search, id_, page.get_by_test_id("stCode").filter(has_text=id_))
    settle(page)
    edit(page, page.get_by_test_id("stDataFrame").first, column=3, text="survived")
    visitor.clicks += 1
    print("    choose the cell “what happened” and type “survived”")
    save = page.get_by_role("button", name="Save 1 outcome")
    visitor.click(save, "Save 1 outcome", page.get_by_text("Saved 1 outcome"))
    return "found by its id"


def on_call(visitor: Visitor) -> str:
    """See whether something is wrong, and what."""
    page = visitor.page
    worst = page.locator(".st-key-state").get_by_role("link").first
    said = " ".join(worst.inner_text().split())
    print(f"    read “{said}”")
    seen = _sight(page, worst, "line of state")
    visitor.follow(worst, said)
    return f"{seen}, leads to {page.url.removeprefix(visitor.env['UI_URL'])[:60]}"


# What is done, and what it took before: clicks, and seconds of waiting.
TASKS: dict[Callable[[Visitor], str], str] = {
    predict_one: "2 clicks, 1.0 s",
    predict_file: "6 clicks, 4.7 s",
    repair_file: "9 clicks, 7.9 s and more",
    tell_outcome: "6 clicks and paging, 9.1 s",
    on_call: "3 clicks, 4.5 s",
}


def main() -> int:
    """Do the tasks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", type=Path, default=stack_env.STACK_ENV, help="what make up wrote")
    env = stack_env.read(parser.parse_args().env)
    if "UI_URL" not in env:
        print("No stack runs: start one with `make up`.", file=sys.stderr)
        return 1
    lines = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]})
        for do, before in TASKS.items():
            visitor = Visitor(page, env)
            visitor.arrive()
            title = str(do.__doc__).rstrip(".")
            print(title)
            noted = do(visitor)
            lines.append((title, f"{visitor.clicks} clicks, {visitor.seconds:.1f} s", before, noted))
    print(f"\n{'task':<68}{'now':<20}{'before':<28}noted")
    for title, now, before, noted in lines:
        print(f"{title:<68}{now:<20}{before:<28}{noted}")
    return 0


def _csv(sexes: list[str]) -> str:
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    writer.writerow(HEADER)
    writer.writerows([number, 1 + number % 3, sex, 20 + number % 40, 30, "S"] for number, sex in enumerate(sexes, 1))
    return output.getvalue()


def _some_prediction(env: Mapping[str, str]) -> str:
    """Return the id of a prediction, as somebody has it from an answer or a log."""
    api = ApiClient(read_settings(env))
    found = api.past_predictions({"use_case": USE_CASE, "source": "webapp"}, limit=1)
    return str(found["predictions"][0]["prediction_id"])


def _sight(page: Page, what: Locator, name: str) -> str:
    settle(page)
    return f"{name} {'in sight' if in_sight(page, what) else 'OUT OF SIGHT'}"


if __name__ == "__main__":
    sys.exit(main())
