"""The page for features of every type and for a regression, in front of the API itself with a model that is made up."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Thread

import pytest
import uvicorn
from playwright.sync_api import Page, expect

from browser import file, settle, visit
from local_cloud import ui
from local_cloud.config import HOST, Place, free_ports
from tabserve.core.features import NumberFeature
from tabserve.core.settings import read_settings
from tabserve.reference.calibration import Calibration
from tabserve.reference.profile import CategoricalProfile, NumericProfile, Profile
from tabserve.reference.reference import Reference
from tabserve.serving.build import NEEDS, OPTIONAL
from tests.conftest import create_database
from tests.definitions import RENTS, TRIPS
from tests.e2e.web.test_accessibility import violations
from tests.factories import API_KEY
from tests.fakes.catalog import FakeCatalog
from tests.fakes.models import FakeReferences
from tests.fakes.predictions import FakePredictions
from tests.fakes.serving import predict_dependencies

pytestmark = [pytest.mark.timeout(300), pytest.mark.proof]

CATALOG = FakeCatalog([each.model_copy(update={"example": {}}) if each is TRIPS else each for each in (TRIPS, RENTS)])


@dataclass(frozen=True)
class World:
    """A page, and what it had stored."""

    site: str
    stored: FakePredictions


def reference(name: str) -> Reference:
    """Return a reference with something in every column."""
    use_case = CATALOG.get(name)
    number = NumericProfile.of([1.0, 2.0, 3.0, 4.0])
    columns = {
        each.name: number
        if isinstance(each, NumberFeature)
        else CategoricalProfile(0, 0, dict.fromkeys(each.texts or ("Bonn", "Köln"), 2))
        for each in use_case.inputs
    }
    return Reference(Profile(4, columns), Calibration())


@pytest.fixture(scope="module")
def world(
    chromium_path: str,
    postgres_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """The page and the API of two use cases."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("DATABASE_URL", "sqlite:////nowhere/unused.db"), ("API_KEY", API_KEY)):
            patch.setenv(name, value)
        patch.setenv("DEFAULT_USE_CASE", TRIPS.name)
        from functions.predict import app as module

        settings = read_settings(NEEDS, OPTIONAL)
    stored = FakePredictions()
    references = FakeReferences({name: reference(name) for name in CATALOG.names()})
    deps = predict_dependencies(stored, settings=settings, catalog=CATALOG, references=lambda: references)
    before = module.app.state.service
    module.app.state.service = replace(before, deps=deps)
    place = Place(tmp_path_factory.mktemp("types"), free_ports())
    server = uvicorn.Server(uvicorn.Config(module.app, HOST, place.ports.emulator, log_level="error"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    site = f"http://{HOST}:{place.ports.ui}"
    database = create_database(postgres_server, f"types_{uuid.uuid4().hex[:8]}", "template_tabserve")
    env = {"API_KEY": API_KEY, "READER_DATABASE_URL": database, "UI_URL": site}
    page = ui.start(place, {**env, "API_URL": f"http://{HOST}:{place.ports.emulator}"})
    yield World(site, stored)
    page.stop()
    server.should_exit = True
    thread.join()
    module.app.state.service = before


def test_a_form_of_every_type_is_filled_in_and_answered(page: Page, world: World, axe_script: str) -> None:
    visit(page, world.site, "predict?use_case=trips")
    page.get_by_role("spinbutton", name="nights (1 – 365)").fill("4")
    page.get_by_role("spinbutton", name="price (€)").fill("900")
    page.get_by_role("radiogroup", name="insured").get_by_text("no", exact=True).click()
    page.get_by_role("radiogroup", name="guide").get_by_text("not known").click()
    town = page.get_by_role("combobox", name=re.compile("town"))
    town.fill("Zwickau")
    town.press("Enter")
    page.get_by_role("textbox", name="remark").fill("with Dr. Who")
    page.get_by_role("textbox", name="remark").press("Tab")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_text("booked is required")).to_be_visible()  # said beside the field that was left empty
    assert not world.stored.stored

    for label, keys in (("booked", "20260101"), ("leaves (Europe/Berlin)", "202601031300")):
        page.get_by_role("group", name=label).get_by_role("spinbutton").first.click()
        page.keyboard.type(keys)
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator(".ts-answer")).to_contain_text("yes")
    expect(page.get_by_text("Computed from it")).to_contain_text("per_night: 225; ahead: 2.5; weekday: Saturday")
    expect(page.get_by_text("title: Dr", exact=True)).to_be_visible()
    settle(page)
    assert violations(page, axe_script) == []
    [prediction] = world.stored.stored.values()
    assert (prediction.features["town"], prediction.features["insured"]) == ("Zwickau", False)
    assert (prediction.features["guide"], prediction.features["leaves"]) == (None, "2026-01-03T13:00:00")
    world.stored.stored.clear()


def test_a_number_is_answered_with_its_unit_and_interval_and_found_again(page: Page, world: World) -> None:
    visit(page, world.site, "predict?use_case=rents")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator(".ts-answer")).to_contain_text("10 €, between 7.5 and 12.5 €")
    expect(page.get_by_text("For a typical record the model says")).to_be_visible()
    address = page.url
    visit(page, world.site, address.removeprefix(world.site).lstrip("/"))
    expect(page.locator(".ts-answer")).to_contain_text("10 €")


def test_a_file_of_numbers_is_predicted(page: Page, world: World) -> None:
    visit(page, world.site, "predict?use_case=rents&tab=csv")
    page.locator("input[type=file]").set_input_files(
        file("day.csv", "flat,area,district,lift\n1,60,north,yes\n2,x,,\n")
    )
    page.get_by_role("button", name="Predict 2 rows").click()
    expect(page.get_by_text("Rows refused")).to_be_visible()
    expect(page.get_by_role("heading", name="Predicted rows")).to_be_visible()
