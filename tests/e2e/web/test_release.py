"""Releases by people who do not code: promote, try, take back, each confirmed; who comes second is told why."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Locator, Page, expect

from browser import settle, visit
from tabserve.core.errors import StorageUnavailableError
from tabserve.registry.standing import Standing
from tabserve.registry.version import ModelCards, ModelMetadata
from tests.e2e.web.conftest import Serve
from tests.e2e.web.test_accessibility import violations
from tests.e2e.web.test_models import NEW, OLD, card
from tests.factories import API_KEY
from tests.fakes.models import FakeModels
from tests.fakes.registry import UnloadedRegistry
from tests.unit.serving.conftest import (
    app_module,
    artifacts,
    features,
    ingestions,
    predictions,
    references,
    registry,
    results,
)

__all__ = ["app_module", "artifacts", "features", "ingestions", "predictions", "references", "registry", "results"]
pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]
HOSTILE = '<img src=x onerror="document.title=1"> **bold** [link](https://evil.test) ' + "x" * 600
CARD = b"<!doctype html><title>c</title><h1>Card of the new one</h1><script>document.body.innerHTML = ''</script>"


@dataclass
class Shown:
    """The page in front of an API with two versions, the older one champion."""

    site: str
    registry: UnloadedRegistry
    at: str = f"models?use_case=titanic&version={NEW}"

    @property
    def now(self) -> Standing:
        return self.registry.standing("titanic")


@pytest.fixture
def shown(
    app_module: Any, registry: UnloadedRegistry, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shown]:
    """Serve the API's own routes from this process, over versions in memory."""
    known = {each.version: each for each in (card(NEW, 0.05), card(OLD, 0.3))}
    registry.add(known[OLD])
    registry.add(known[NEW], card_html=CARD)
    registry.point("titanic", "champion", OLD)
    registry.point("titanic", "challenger", NEW)

    def cards(*_: object) -> ModelCards:
        champion: ModelMetadata = known[str(registry.standing("titanic").version)]
        return ModelCards([*known.values()], champion, known[NEW])

    monkeypatch.setattr(FakeModels, "cards", cards)
    monkeypatch.setattr(FakeModels, "version", OLD)
    app_module.app.state.meter.last = float("inf")  # there is no database to count requests in
    place = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app_module.app, log_level="error", lifespan="off"))
    thread = Thread(target=server.run, args=([place],))
    thread.start()
    yield Shown(serve(API_URL=f"http://127.0.0.1:{place.getsockname()[1]}", API_KEY=API_KEY), registry)
    server.should_exit = True
    thread.join()
    place.close()
    app_module.app.state.meter.last = 0


def ask(page: Page, move: str) -> Locator:
    """Open the dialog about a move."""
    page.get_by_role("button", name=move).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").wait_for()
    settle(page)
    return dialog


def confirm(dialog: Locator, move: str, why: str = "better", who: str | None = "Ann") -> None:
    if who is not None:
        dialog.get_by_label("Your name").fill(who)
    dialog.get_by_label("Why").fill(why)
    dialog.get_by_role("button", name=move).click()
    settle(dialog.page)


def test_a_version_is_promoted_once_confirmed_and_taken_back(page: Page, shown: Shown, axe_script: str) -> None:
    visit(page, shown.site, shown.at)
    dialog = ask(page, "Promote")
    expect(
        dialog.get_by_text(f"{NEW} answers for Titanic survival in place of {OLD} within 30 seconds.")
    ).to_be_visible()
    assert violations(page, axe_script) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    dialog = ask(page, "Promote")
    confirm(dialog, "Promote", why=" ")
    expect(dialog.get_by_text("Say who you are and why")).to_be_visible()
    assert shown.now.number == 1
    confirm(dialog, "Promote", who=None)
    expect(page.get_by_text(f"Done. {NEW} answers everywhere within 30 seconds")).to_be_visible()
    assert (shown.now.version, shown.now.by, shown.now.reason) == (NEW, "Ann", "better")

    dialog = ask(page, "Roll back")
    expect(dialog.get_by_text(f"{OLD} answers for Titanic survival again, in place of {NEW}")).to_be_visible()
    expect(dialog.get_by_label("Your name")).to_have_value("Ann")
    confirm(dialog, "Roll back", "worse", who=None)
    expect(page.get_by_text(f"Done. {OLD} answers")).to_be_visible()
    assert [(each.action, each.by) for each in shown.registry.history("titanic")][1:] == [
        ("promote", "Ann"),
        ("rollback", "Ann"),
    ]


def test_of_two_visitors_the_second_is_told_what_changed(page: Page, phone: Page, shown: Shown) -> None:
    visit(page, shown.site, shown.at)
    visit(phone, shown.site, shown.at)
    dialog = ask(phone, "Start as shadow")
    page.bring_to_front()
    confirm(ask(page, "Promote"), "Promote")
    expect(page.get_by_text("Done.")).to_be_visible()
    phone.bring_to_front()
    confirm(dialog, "Start as shadow", who="Bob")
    told = phone.get_by_text("Nothing was changed.").locator("..")
    expect(told).to_contain_text(f"{NEW} became champion in place of {OLD} by Ann")
    assert (shown.now.number, shown.now.trial) == (2, None)
    expect(phone.get_by_role("dialog")).to_have_count(0)
    expect(phone.get_by_text(f"{NEW} is champion.")).to_be_visible()


def test_two_clicks_make_one_move(page: Page, shown: Shown) -> None:
    visit(page, shown.site, shown.at)
    dialog = ask(page, "Promote")
    dialog.get_by_label("Your name").fill("Ann")
    dialog.get_by_label("Why").fill("better")
    dialog.get_by_role("button", name="Promote").dblclick()
    page.get_by_text("Done.").wait_for()
    settle(page)
    expect(page.get_by_text("Nothing was changed.")).to_have_count(0)
    assert shown.now.number == 2


def test_a_canary_is_started_shown_and_stopped(page: Page, phone: Page, shown: Shown, axe_script: str) -> None:
    visit(page, shown.site, shown.at)
    dialog = ask(page, "Start as canary")
    expect(dialog.get_by_text(f"{NEW} answers 10 % of the entities in place of {OLD}")).to_be_visible()
    confirm(dialog, "Start as canary", "try it")
    trial = page.locator(".st-key-trial")
    expect(trial).to_contain_text(f"{NEW} is canary: it answers 10 % of the entities, the same ones each time.")
    expect(trial).to_contain_text("by Ann: try it.")
    assert shown.now.trial is not None
    assert shown.now.trial.share == 0.1
    for tab in (page, phone):
        visit(tab, shown.site, shown.at)
        assert violations(tab, axe_script) == []
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 375
    visit(page, shown.site)
    expect(page.get_by_role("link", name="On trial: ")).to_be_visible()
    visit(page, shown.site, shown.at)
    confirm(ask(page, "Stop the trial"), "Stop the trial", "seen enough")  # a page loaded anew knows no name
    expect(page.get_by_text("The last trial was stopped").locator("..")).to_contain_text("by Ann: seen enough.")
    assert shown.now.trial is None


def test_the_card_is_shown_and_runs_nothing(page: Page, shown: Shown) -> None:
    visit(page, shown.site, f"{shown.at}&tab=card")
    card = page.frame_locator("iframe[title*='Model card']").frame_locator("iframe")
    expect(card.get_by_role("heading", name="Card of the new one")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the model card").click()
    assert download.value.suggested_filename == f"titanic-{NEW}.html"
    visit(page, shown.site, f"models?use_case=titanic&version={OLD}&tab=card")
    expect(page.get_by_text("It is older than cards.")).to_be_visible()


def test_a_hostile_reason_is_a_text_like_any_other(page: Page, shown: Shown) -> None:
    visit(page, shown.site, shown.at)
    confirm(ask(page, "Start as shadow"), "Start as shadow", HOSTILE[:500], who="<b>Eve</b>")
    expect(page.locator(".st-key-trial")).to_contain_text("<img src=x onerror=")
    expect(page.locator("a[href*=evil]")).to_have_count(0)
    assert len(shown.now.reason) == 500
    assert page.title() != "1"


def test_what_is_gone_meanwhile_is_said_in_a_sentence(page: Page, shown: Shown) -> None:
    visit(page, shown.site, shown.at)
    dialog = ask(page, "Promote")
    store: Any = shown.registry._store
    store.objects = {key: body for key, body in store.objects.items() if NEW not in key}
    confirm(dialog, "Promote")
    expect(dialog.get_by_text(f"titanic has no version {NEW}; it may have been removed.")).to_be_visible()
    assert shown.now.number == 1


def test_while_the_registry_is_away_a_move_can_be_tried_again(
    page: Page, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageUnavailableError("away")

    visit(page, shown.site, shown.at)
    dialog = ask(page, "Promote")
    with monkeypatch.context() as patch:
        patch.setattr(UnloadedRegistry, "change", away)
        confirm(dialog, "Promote")
        expect(dialog.get_by_text("The API answers with an error: A part this answer needs is away")).to_be_visible()
    confirm(dialog, "Promote", who=None)
    page.get_by_text("Done.").wait_for()
    assert shown.now.number == 2


def test_a_use_case_is_retired(page: Page, shown: Shown) -> None:
    visit(page, shown.site, shown.at)
    dialog = ask(page, "Retire the use case")
    expect(dialog.get_by_text("promoting a version brings it back")).to_be_visible()
    confirm(dialog, "Retire the use case", "over")
    expect(page.get_by_text("Retired.")).to_be_visible()
    assert shown.now.retired
