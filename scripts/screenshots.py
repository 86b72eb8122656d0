#!/usr/bin/env python3
"""Take a picture of every page of the running stack on a wide screen and on a phone, for the documentation."""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

import pictures
import stack_env

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
SIZES = {"wide": (1440, 900), "phone": (375, 812)}
SETTLE_MS = 2_500
TALLEST = 2_700


def main(arguments: list[str] | None = None) -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, default=stack_env.STACK_ENV, help="what make up wrote")
    parser.add_argument(
        "--out", type=Path, default=stack_env.ROOT / "docs" / "screenshots", help="where the pictures go"
    )
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser")
    args = parser.parse_args(arguments)
    site = stack_env.read(args.env)["UI_URL"]
    args.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            for name, (path, tab) in PICTURES.items():
                picture(browser, f"{site}/{path}", tab, width, height).screenshot(path=args.out / f"{name}-{size}.png")
                print(args.out / f"{name}-{size}.png")
        browser.close()
    pictures.note()


def picture(browser: Browser, url: str, tab: str, width: int, height: int) -> Page:
    """Open a page, make a prediction where there is a form, and make the window as tall as the page."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(url)
    page.locator("h1").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    if url.endswith("/predict"):
        page.get_by_role("button", name="Predict", exact=True).click()
        page.get_by_text("What pushed it up or down").wait_for()
    if tab:
        page.get_by_role("combobox", name="When").click()
        page.get_by_role("option", name="Last 15 minutes").click()
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(SETTLE_MS)
    tall = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').getBoundingClientRect().height")
    page.set_viewport_size({"width": width, "height": max(height, min(int(tall) + 20, TALLEST))})
    page.wait_for_timeout(SETTLE_MS)
    return page


if __name__ == "__main__":
    main()
