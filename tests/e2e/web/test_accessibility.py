"""Every page for everybody: axe finds nothing, no page scrolls sideways on a phone, the keyboard shows where it is."""

from typing import Any

import pytest
from playwright.sync_api import Page

from browser import visit

pytestmark = pytest.mark.timeout(300)

PATHS = ("", "predict", "past-predictions", "data-quality", "monitoring", "models")
MOST_STOPS = 60
# Streamlit's own place for files has a role and a label that contradict each other, of impact “minor”.
WHERE = "{ exclude: ['[data-testid=stFileUploaderDropzone]'] }"
STILL = "* { transition: none !important; animation: none !important }"
# Where the focus is, whether it can be seen there, and whether it was there before.
FOCUS = """() => {
  const active = document.activeElement;
  if (!active || active === document.body || active.dataset.seen) return null;
  if (active.matches('iframe, [role=gridcell]')) return null;  // these draw their own ring, where no style tells
  active.dataset.seen = true;
  const around = [0, 1, 2, 3].reduce((found, _) => [...found, found.at(-1)?.parentElement], [active]).filter(Boolean);
  const shown = ({ outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor }) =>
    [outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor].join();
  const look = () => around.map(each => shown(getComputedStyle(each))).join('|');
  const focused = look();
  active.blur();
  const plain = look();
  active.focus();
  return { what: active.outerHTML.slice(0, 160), visible: focused !== plain };
}"""


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing(path: str, page: Page, phone: Page, site: str, axe_script: str) -> None:
    for visitor in (page, phone):
        visit(visitor, site, path)
        assert violations(visitor, axe_script) == []
    assert phone.evaluate("document.documentElement.scrollWidth") <= 375
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 375


def violations(page: Page, axe_script: str) -> list[str]:
    """Return what axe finds, each with the place and the remedy."""
    page.evaluate(axe_script)
    found: list[dict[str, Any]] = page.evaluate(f"axe.run({WHERE}).then(result => result.violations)")
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}" for each in found]


@pytest.mark.parametrize("path", PATHS)
def test_the_keyboard_shows_where_it_is(path: str, page: Page, site: str) -> None:
    visit(page, site, path)
    page.add_style_tag(content=STILL)
    hidden, stops = [], 0
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if (stop := page.evaluate(FOCUS)) is not None:
            stops += 1
            hidden += [] if stop["visible"] else [stop["what"]]
    assert stops > len(PATHS)
    assert hidden == []
