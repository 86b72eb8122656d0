#!/usr/bin/env python3
"""Take a picture of every page of the running stack on a wide screen and on a phone, for the documentation."""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page

import pictures
import stack_env
from browser import PHONE, WIDE, chromium, settle, visit

# What each picture shows: a page, and a tab of it where it has several.
PICTURES = {
    "overview": ("", ""),
    "predict": ("predict", ""),
    "past-predictions": ("past-predictions", ""),
    "data-quality": ("data-quality", ""),
    "monitoring": ("monitoring", "Now"),
    "monitoring-data": ("monitoring", "Ingested data"),
    "monitoring-predictions": ("monitoring", "Drift and predictions"),
    "models": ("models", ""),
}
SIZES = {"wide": WIDE, "phone": PHONE}
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
    site = stack_env.read(args.env)["UI_URL"]
    args.out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for size, (width, height) in SIZES.items():
            for name, (path, tab) in PICTURES.items():
                file = args.out / f"{name}-{size}.png"
                picture(browser, site, path, tab, width, height).screenshot(path=file)
                print(file)
    pictures.note()


def picture(browser: Browser, site: str, path: str, tab: str, width: int, height: int) -> Page:
    """Open a page, make a prediction where there is a form, and make the window as tall as the page."""
    page = browser.new_page(viewport={"width": width, "height": height})
    visit(page, site, path)
    if path == "predict":
        page.get_by_role("button", name="Predict", exact=True).click()
        page.get_by_text("What pushed it up or down").wait_for()
    if tab:
        page.get_by_role("combobox", name="When").click()
        page.get_by_role("option", name="Last 15 minutes").click()
        page.get_by_role("tab", name=tab).click()
    settle(page)
    tall = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').getBoundingClientRect().height")
    page.set_viewport_size({"width": width, "height": max(height, min(int(tall) + 20, TALLEST))})
    page.wait_for_timeout(DRAWN_MS)
    return page


if __name__ == "__main__":
    main()
