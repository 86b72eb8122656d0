"""The models' page: pictures of one or two versions, an older one without curves, what to do by command."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from browser import choose, settle, visit
from functions.predict.routes.models import UseCaseDescription
from tabserve.registry.version import Metric, ModelMetadata, Parity
from tabserve.training.dataset import LabelledRows
from tabserve.training.decision import likelier
from tabserve.training.diagnostics import diagnose, importance
from tests.definitions import CATALOG
from tests.e2e.web.conftest import Serve
from tests.factories import release_of

pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]

NEW, OLD, CURVELESS = "20261120T000000Z-bbbbbbbb", "20261110T000000Z-aaaaaaaa", "20261001T000000Z-00000000"
ROWS = 600


def card(version: str, noise: float) -> ModelMetadata:
    """Return what is known about a version whose probabilities are more or less right."""
    generator = np.random.default_rng(0)
    truths = generator.integers(0, 2, ROWS)
    sexes = [("male", "female")[truth if generator.random() < 0.8 else 1 - truth] for truth in truths]
    columns: dict[str, Any] = {name: np.ones(ROWS) for name in CATALOG.get("titanic").feature_names}
    columns["Sex"] = np.array(sexes, dtype=object)

    def score(given: Mapping[str, Any], rows: int) -> Any:
        second = np.clip(np.where(np.array(given["Sex"]) == "female", 0.8, 0.2) + np.resize(jitter, rows), 0, 1)
        return np.stack((1 - second, second), axis=1)

    jitter = generator.normal(0, noise, ROWS)
    rows = LabelledRows(tuple(map(str, range(ROWS))), columns, truths)
    effects = importance([*columns], rows, score, lambda given, known: float(np.mean(given.argmax(axis=1) == known)), 0)
    found = diagnose(rows, score(columns, ROWS), 1, likelier, effects)
    return ModelMetadata(
        use_case="titanic",
        use_case_version=1,
        version=version,
        estimator="logistic_regression",
        created_at=datetime.strptime(version[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        model_sha256="m",
        contract_sha256="c",
        data_sha256="d" * 64,
        files={},
        libraries={},
        rows_trained=891,
        rows_held_out=ROWS,
        metrics={
            "accuracy": Metric(value=0.8 - noise / 4, low=0.77 - noise / 4, high=0.83 - noise / 4),
            "roc_auc": Metric(value=0.86 - noise / 4, low=0.83 - noise / 4, high=0.89 - noise / 4),
        },
        parity=Parity(rows=100, max_difference=0, differing_classes=0),
        diagnostics=None if version == CURVELESS else found,
    )


def answers(cards: list[ModelMetadata], serving: str) -> dict[str, Any]:
    plain = [each.model_dump(mode="json") for each in cards]
    use_case = UseCaseDescription.model_validate(CATALOG.get("titanic"), from_attributes=True).model_dump(mode="json")
    return {
        "/health": {},
        "/use-cases": {"use_cases": [use_case], "default": "titanic"},
        "/use-cases/titanic": use_case,
        "/use-cases/titanic/release": release_of("titanic", plain[0]["version"]),
        "/model": {"champion": plain[0], "challenger": plain[0], "versions": plain, "serving": serving},
    }


@pytest.fixture
def api() -> Iterator[tuple[dict[str, Any], str]]:
    """An API that answers what a test says, by path, and its address."""
    said: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(said[self.path.split("?")[0]]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield said, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def pictures(page: Page) -> list[str]:
    found = page.get_by_test_id("stVegaLiteChart")
    expect(found.first).to_be_visible()
    return [str(each.get_attribute("aria-label")) for each in found.all()]


def test_a_version_is_shown_in_pictures_and_beside_another_one(
    page: Page, serve: Serve, api: tuple[dict[str, Any], str]
) -> None:
    said, url = api
    said |= answers([card(NEW, 0.05), card(OLD, 0.3), card(CURVELESS, 0.1)], NEW)
    site = serve(API_URL=url)
    visit(page, site, "models")
    shown = pictures(page)
    for begins in ("Metrics.", "ROC curve;", "Calibration.", "Accuracy lost", f"Confusion of {NEW}: "):
        assert any(text.startswith(begins) for text in shown), shown
    assert any("died predicted survived" in text for text in shown)
    expect(page.get_by_text("make train USE_CASE=titanic PROMOTE=1")).to_be_visible()
    choose(page, "Beside", OLD)
    settle(page)
    assert f"beside={OLD}" in page.url
    assert sum(text.startswith("Confusion of ") for text in pictures(page)) == 2
    page.reload()
    settle(page)
    expect(page.get_by_role("combobox", name="Beside")).to_have_value(OLD)
    assert any(OLD in text and NEW in text for text in pictures(page) if text.startswith("ROC curve;"))


def test_a_version_without_curves_says_so(page: Page, serve: Serve, api: tuple[dict[str, Any], str]) -> None:
    said, url = api
    said |= answers([card(CURVELESS, 0.1)], CURVELESS)
    visit(page, serve(API_URL=url), "models")
    expect(page.get_by_text("it was trained before they were kept")).to_be_visible()
    expect(page.get_by_text("answers now.")).to_be_visible()
    expect(page.get_by_text("challenger, answers now")).to_have_count(0)
    assert [text.split(".")[0] for text in pictures(page)] == ["Metrics"]


def test_models_are_shown_and_reloaded(page: Page, site: str) -> None:
    visit(page, site, "models")
    expect(page.get_by_text("answers now.").first).to_be_visible()
    assert any("Accuracy: " in text for text in pictures(page))
    page.get_by_role("button", name="Reload the champion").click()
    expect(page.get_by_text("The API answers with version")).to_be_visible()
