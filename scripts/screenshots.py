#!/usr/bin/env python3
"""Take a picture of every page of the running stack on a wide screen and on a phone, for the documentation."""

import argparse
import re
from pathlib import Path

from playwright.sync_api import Browser, Page

import pictures
import stack_env
from browser import PHONE, WIDE, chromium, file, settle, visit
from ui.database import ReaderDatabase

# What each picture shows: a page in the state that its address gives it.
PICTURES = {
    "overview": "",
    "predict": "predict",
    "predict-csv": "predict?tab=csv",
    "past-predictions": "past-predictions?when=hour",
    "data-quality": "data-quality",
    "file": "data-quality?file={file}&tab=repair",
    "monitoring": "monitoring?when=1h",
    "monitoring-data": "monitoring?tab=data&when=1h",
    "monitoring-predictions": "monitoring?tab=predictions&when=1h",
    "models": "models",
}
WORST = "SELECT file_id FROM ingestions WHERE status = 'done' ORDER BY rows_bad DESC LIMIT 1"
SIZES = {"wide": WIDE, "phone": PHONE}
PATIENCE_MS = 120_000
DRAWN_MS = 1_000  # charts draw after the page is quiet
TALLEST = 2_700


def main(arguments: list[str] | None = None) -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, default=stack_env.STACK_ENV, help="what make up wrote")
    parser.add_argument(
        "--out", type=Path, default=stack_env.ROOT / "docs" / "screenshots", help="where the pictures go"
    )
    args = parser.parse_args(arguments)
    env = stack_env.read(args.env)
    site, worst = env["UI_URL"], ReaderDatabase(env["READER_DATABASE_URL"]).row(WORST)
    args.out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for size, (width, height) in SIZES.items():
            for name, path in PICTURES.items():
                target = args.out / f"{name}-{size}.png"
                picture(browser, site, name, path.format(file=worst["file_id"]), width, height).screenshot(path=target)
                print(target)
    pictures.note()


def predict(page: Page) -> None:
    """Predict the example."""
    page.get_by_role("button", name="Predict", exact=True).click()
    page.get_by_text("What pushed it up or down").wait_for()


def predict_file(page: Page) -> None:
    """Predict the example file."""
    with page.expect_download() as example:
        page.get_by_role("button", name="Get an example file").click()
    page.locator("input[type=file]").set_input_files(
        file("example.csv", Path(example.value.path()).read_text("utf-8-sig"))
    )
    page.get_by_role("button", name=re.compile(r"Predict \d+ rows")).click()
    page.get_by_role("button", name="Download all results").wait_for()


USED = {"predict": predict, "predict-csv": predict_file}


def picture(browser: Browser, site: str, name: str, path: str, width: int, height: int) -> Page:
    """Open a page, use it as a visitor would, and make the window as tall as the page."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE_MS)
    visit(page, site, path)
    if use := USED.get(name):
        use(page)
        settle(page)
    tall = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').getBoundingClientRect().height")
    page.set_viewport_size({"width": width, "height": max(height, min(int(tall) + 20, TALLEST))})
    page.wait_for_timeout(DRAWN_MS)
    return page


if __name__ == "__main__":
    main()
