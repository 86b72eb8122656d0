"""A Chromium that looks at the web page: for its tests, its pictures and how long its pages take."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, FilePayload, Locator, Page, expect, sync_playwright

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_CHROMIUM = "No Chromium here: the browser needs `apt-get install chromium` or `playwright install chromium`."
SANDBOX = [] if os.geteuid() else ["--no-sandbox"]  # Chromium's sandbox refuses to run as root
WIDE, PHONE = (1440, 900), (390, 844)

# An action takes its way to the server: quiet is a page that stays so for some frames and 0.3 seconds of the browser.
QUIET_MS = 300
QUIET = f"""() => {{
  const app = document.querySelector('[data-testid=stApp]')?.dataset ?? {{}};
  const isQuiet = app.testConnectionState === 'CONNECTED' && app.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]');
  window.quiet = isQuiet ? [...window.quiet, performance.now()] : [];
  return window.quiet.length > 5 && window.quiet.at(-1) - window.quiet[0] > {QUIET_MS};
}}"""


def chromium_path() -> str:
    """Return where a Chromium is; raise FileNotFoundError."""
    if installed := next((path for name in CHROMIUMS if (path := shutil.which(name))), None):
        return installed
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if not Path(own).exists():
        raise FileNotFoundError(NO_CHROMIUM)
    return own


@contextmanager
def chromium(path: str | None = None) -> Iterator[Browser]:
    """Start a Chromium."""
    path = path or chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SANDBOX)
        yield browser
        browser.close()


def visit(page: Page, site: str, path: str = "") -> None:
    """Open a page of a site and wait until it is drawn."""
    page.bring_to_front()  # a tab behind another one draws no frames
    page.goto(f"{site}/{path}")
    expect(page.locator("h1")).to_be_visible()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page has drawn what the last action asked for, and nothing is left of what stood there before."""
    page.evaluate("window.quiet = []")
    page.wait_for_function(QUIET)


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a box."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


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


def file(name: str, text: str) -> FilePayload:
    """Return a CSV as a browser's file dialog takes it."""
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
