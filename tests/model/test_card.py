"""The card of a version: one page that loads nothing, says what there is to say, and takes everything for text."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tabserve.core.folder import FolderStore
from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.registry.version import CARD, RUNS, Chosen, Metric, ModelMetadata
from tabserve.training import service
from tabserve.training.card import card
from tabserve.training.charts import Axis, Line, chart
from tabserve.training.service import split, train
from tests.definitions import CATALOG, RENTS
from tests.model.conftest import dependencies, rows_of
from tests.model.test_regression import rents

HOSTILE = "<script>alert(1)</script>&\"'"


class Page(HTMLParser):
    """The tags of a page, their addresses and its text."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def trained(use_case: UseCase, folder: Path, rows: service.Rows | None = None) -> tuple[Registry, ModelMetadata]:
    registry = Registry(FolderStore(folder))
    return registry, train(use_case, rows or rows_of(use_case.name), dependencies(registry)).metadata


def changed(name: str, **changes: Any) -> UseCase:
    content = CATALOG.get(name).model_dump(mode="json")
    training = content["training"] | {"acceptance": {}} | changes.pop("training", {})
    return UseCase.model_validate(content | changes | {"training": training})


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, ModelMetadata, UseCase]:
    use_case = changed(
        "titanic",
        out_of_scope=["Passengers of other ships."],
        decision={"cost": {"false_positive": 1, "false_negative": 3}},
        training={"estimator": ["random_forest", "logistic_regression"], "search": {"iterations": 2, "folds": 2}},
    )
    return *trained(use_case, tmp_path_factory.mktemp("searched")), use_case


def test_the_card_is_a_registered_file_that_loads_nothing(
    searched: tuple[Registry, ModelMetadata, UseCase],
) -> None:
    registry, metadata, use_case = searched
    body = registry.file("titanic", metadata.version, CARD)
    page = Page(body)
    assert page.addresses == []
    assert not page.tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base"}
    assert not re.search(rb"url\(|@import|https?://", body)
    assert body == card(metadata.model_copy(update={"files": {}}), use_case)


def test_the_card_says_how_the_model_was_found_and_what_it_is_not_for(
    searched: tuple[Registry, ModelMetadata, UseCase],
) -> None:
    registry, metadata, _ = searched
    text = Page(registry.file("titanic", metadata.version, CARD)).text
    for said in (
        "Passengers of other ships.",
        "The reference has 418 rows",
        metadata.version,
        metadata.data_sha256,
        metadata.git_commit,
        "2 attempts a candidate, in 2 folds",
        "random_forest",
        "✓ taken",
        "Calibration",
        "ROC curve",
        "Threshold curve",
        "Cost of errors",
        "What it takes for what",
        f"{metadata.metrics['accuracy'].value:.3f}",
    ):
        assert said in text, said
    assert len(registry.file("titanic", metadata.version, RUNS).splitlines()) == 4
    (taken,) = (each for each in metadata.candidates if each.chosen)
    assert metadata.chosen == Chosen(estimator=taken.estimator, parameters=taken.parameters)
    assert metadata.estimator == taken.estimator


def test_names_of_columns_and_classes_are_text_whatever_they_hold(
    searched: tuple[Registry, ModelMetadata, UseCase],
) -> None:
    _, metadata, use_case = searched
    content = use_case.model_dump(mode="json")
    content["features"][0]["name"] = "Class<b>"
    content["features"][0]["description"] = HOSTILE
    content["target"]["labels"] = [HOSTILE, "yes"]
    hostile = UseCase.model_validate(
        content | {"title": HOSTILE, "description": HOSTILE, "out_of_scope": [HOSTILE], "example": {}}
    )
    assert metadata.diagnostics is not None
    importance = {HOSTILE: Metric(value=0.1, low=0.1, high=0.1), "idle<i>": Metric(value=0, low=0, high=0)}
    diagnostics = metadata.diagnostics.model_copy(update={"importance": importance})
    page = Page(card(metadata.model_copy(update={"diagnostics": diagnostics, "warnings": (HOSTILE,)}), hostile))
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) >= 7


def test_a_regression_shows_residuals_and_no_classes(tmp_path: Path) -> None:
    registry, metadata = trained(RENTS, tmp_path, split(RENTS, rents(200), None))
    page = Page(registry.file("rents", metadata.version, CARD))
    for said in ("Residuals", "Predicted and true numbers", "Mean absolute error", "true values", "€"):
        assert said in page.text
    for wanting in ("ROC curve", "Threshold curve", "What it takes for what"):
        assert wanting not in page.text


def test_many_classes_have_no_confusion_matrix_and_many_columns_no_end(tmp_path: Path) -> None:
    _, metadata = trained(CATALOG.get("penguins"), tmp_path)
    assert metadata.diagnostics is not None
    importance = {f"column {place}": Metric(value=place / 100, low=0, high=1) for place in range(40)}
    many = metadata.diagnostics.model_copy(update={"importance": importance, "confusion": ()})
    page = Page(card(metadata.model_copy(update={"diagnostics": many}), CATALOG.get("penguins")))
    assert "and 10 columns that are worth less" in page.text
    assert "What it takes for what" not in page.text
    assert "Threshold curve" not in page.text


def test_the_definition_without_a_search_has_no_table_of_candidates(
    searched: tuple[Registry, ModelMetadata, UseCase],
) -> None:
    _, metadata, use_case = searched
    plain = metadata.model_copy(update={"candidates": (), "chosen": None})
    assert "Candidates" not in Page(card(plain, use_case)).text


def test_a_version_without_diagnostics_has_no_card(searched: tuple[Registry, ModelMetadata, UseCase]) -> None:
    _, metadata, use_case = searched
    with pytest.raises(ValueError, match="has no diagnostics"):
        card(metadata.model_copy(update={"diagnostics": None}), use_case)


def test_a_chart_stays_inside_its_frame_and_escapes_its_labels() -> None:
    drawn = chart("a<b", Axis("<x>", 0, 10), Axis("y", 0, 0), [Line([(-5, 3), (20, 4)], "first", dots=True)])
    assert "<x>" not in drawn
    assert 'aria-label="a&lt;b"' in drawn
    places = [float(each) for each in re.findall(r'c[xy]="([\d.-]+)"', drawn)]
    assert all(0 <= each <= 440 for each in places)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 12_345), (0.001, 0.002), (5, 5)])
def test_axes_have_round_numbers_between_their_ends(low: float, high: float) -> None:
    ticks = Axis("x", low, high).ticks()
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-9 <= each <= high + 1e-9 for each in ticks)
