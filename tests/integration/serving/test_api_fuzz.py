"""Whatever a client sends: no server error, a problem body for every error, nothing stored unless the answer is 200."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tabserve.core.entities import Entity
from tabserve.reference.calibration import Calibration
from tabserve.reference.reference import Reference
from tests.api_cases import BODIES, GETS, GOOD, cases
from tests.api_fuzz import Findings, run, with_database
from tests.fakes.models import FakeReferences
from tests.fakes.predictions import FakeFeatures
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
from tests.unit.serving.test_document import CARD
from tests.unit.serving.test_explanation import titanic_profile

__all__ = ["app_module", "artifacts", "features", "ingestions", "predictions", "references", "registry", "results"]
A_FEW = 400
ALL = 6_000


@pytest.fixture
def api(
    app_module: Any, features: FakeFeatures, references: FakeReferences, registry: UnloadedRegistry, postgres_url: str
) -> Iterator[Any]:
    features.put("titanic", [Entity("17", GOOD, datetime(2026, 1, 1, tzinfo=UTC))])
    references.known["titanic"] = Reference(titanic_profile(), Calibration.of([0.3, 0.7], [False, True]))
    registry.add(CARD, card_html=b"<h1>card</h1>")
    app_module.app.state.service = with_database(app_module.app.state.service, postgres_url)
    app_module.app.state.meter.last = float("inf")  # requests are counted in the database, not only answers of 200
    yield app_module.app
    app_module.app.state.meter.last = 0


def test_a_few_hostile_requests(api: Any, postgres_url: str) -> None:
    _assert_sound(run(api, cases(A_FEW, seed=1), postgres_url))


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [2, 3])
def test_thousands_of_hostile_requests(api: Any, postgres_url: str, seed: int) -> None:
    found = run(api, cases(ALL, seed), postgres_url)
    print(f"{found.statuses.total()} requests, seed {seed}: {dict(sorted(found.statuses.items()))}")
    _assert_sound(found)
    stored_nothing_and_everything = {path for path in (*BODIES, *GETS) if path not in NOT_THERE}
    assert {path for path, good in found.answered.items() if good} >= stored_nothing_and_everything


NOT_THERE = {path for path in GETS if path.startswith(("/raw-files", "/reports", "/bad-rows"))}  # no such file


def _assert_sound(found: Findings) -> None:
    assert not found.wrong, f"{len(found.wrong)} of {found.statuses.total()}:\n" + "\n".join(found.wrong[:30])
    assert found.statuses[200] > found.statuses.total() // 20
