"""How long every page takes in a browser in front of a million predictions, beside an empty page of Streamlit."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser

import stack_env
from benchmarks import monitoring
from benchmarks.fixtures import binary_use_case
from benchmarks.measurement import Measurement
from benchmarks.populations import Population
from browser import WIDE, chromium, visit
from local_cloud import processes, ui
from local_cloud.config import HOST, Place, free_ports
from local_cloud.stack import local_stack
from ui.api import ApiClient
from ui.settings import read_settings

PAGES = {
    "overview": "",
    "predict": "predict",
    "past predictions": "past-predictions",
    "past predictions, 30 days": "past-predictions?when=month",
    "data quality": "data-quality",
    "monitoring": "monitoring",
    "monitoring, ingested data": "monitoring?tab=data&when=24h",
    "monitoring, drift": "monitoring?tab=predictions&when=24h",
    "models": "models",
}
EMPTY = Path(__file__).with_name("empty_page.py")
LIMIT_S = 2.5
ROUNDS = 5
RARELY = {"ScheduleExpression": "rate(1 hour)", "MonitorScheduleExpression": "rate(1 hour)"}


def run() -> list[Measurement]:
    """Measure on a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="tabserve-page-") as name, ExitStack() as running:
        folder = Path(name)
        env = running.enter_context(local_stack(folder, overrides=RARELY))
        _fill(env)
        site = running.enter_context(_page(env, folder))
        empty = running.enter_context(_empty(folder))
        return _measure(running.enter_context(chromium()), site, empty)


def _fill(env: Mapping[str, str]) -> None:
    """Store a million predictions of a day by the champion, and have the monitor judge them."""
    use_case = binary_use_case()
    monitoring.seed(env["DATABASE_URL"], Population.of_data(use_case), _champion(env, use_case.name))
    stack_env.client(env, "lambda").invoke(FunctionName=env["MONITOR_FUNCTION"])


def _champion(env: Mapping[str, str], use_case: str) -> str:
    return str(ApiClient(read_settings(env)).model(use_case)["serving"])


@contextmanager
def _page(env: Mapping[str, str], folder: Path) -> Iterator[str]:
    place = Place(folder / "page", free_ports())
    site = f"http://{HOST}:{place.ports.ui}"
    server = ui.start(place, {**env, "UI_URL": site})
    try:
        yield site
    finally:
        server.stop()


@contextmanager
def _empty(folder: Path) -> Iterator[str]:
    port = free_ports().ui
    command = [sys.executable, "-m", "streamlit", "run", str(EMPTY), f"--server.port={port}", "--server.headless=true"]
    site = f"http://{HOST}:{port}"
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while not processes.answers(site + ui.HEALTH):
                server.poll()
            yield site
        finally:
            server.terminate()


def _measure(browser: Browser, site: str, empty: str) -> list[Measurement]:
    page = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]})

    def seconds(site: str, path: str = "") -> float:
        visit(page, site, path)
        return float(page.evaluate("window.quiet[0]")) / 1e3  # since the address was opened

    for path in PAGES.values():  # a first visit imports, and fills the browser's cache
        seconds(site, path)
    seconds(empty)
    measured = []
    for name, path in PAGES.items():
        rounds = [(seconds(site, path), seconds(empty)) for _ in range(ROUNDS)]
        own, floor = (statistics.median(values) for values in zip(*rounds, strict=True))
        measured.append((name, own, floor))
    page.close()
    return [
        Measurement(f"page with 1 M predictions: {name}", own, "s", LIMIT_S / floor, "empty page, s", floor)
        for name, own, floor in measured
    ]
