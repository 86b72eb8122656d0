"""The document tells what is taken, and real answers are what it says."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from functions.predict import openapi
from tabserve.core.entities import Entity
from tabserve.reference.calibration import Calibration
from tabserve.reference.reference import Reference
from tabserve.registry.version import Diagnostics, Metric, ModelCards, ModelMetadata, Parity
from tests.api_cases import BODIES, GETS
from tests.definitions import CATALOG
from tests.factories import ingestion
from tests.fakes.catalog import FakeCatalog
from tests.fakes.ingestion import FakeIngestions
from tests.fakes.models import FakeModels, FakeReferences
from tests.fakes.predictions import FakeFeatures
from tests.fakes.registry import UnloadedRegistry
from tests.unit.serving.test_explanation import titanic_profile

RECORD: dict[str, Any] = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
FILE_ID = "f" * 64
CARD = ModelMetadata(
    use_case="titanic",
    use_case_version=1,
    version="20260101T000000Z-00000000",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    model_sha256="a",
    contract_sha256="b",
    data_sha256="c",
    rows_trained=700,
    rows_held_out=190,
    estimator="logistic_regression",
    metrics={"accuracy": Metric(value=0.8, low=0.7, high=0.9)},
    parity=Parity(rows=10, max_difference=0.0, differing_classes=0),
    files={"model.onnx": "d"},
    libraries={"onnx": "1"},
)
TWO_OF_FOUR = {
    "use_case": "titanic",
    "records": [RECORD, {"entity_id": "17"}, RECORD | {"Age": -1}, {"entity_id": "?"}],
}
UNKNOWN = {"use_case": "titanic", "records": [{"entity_id": "18", "actual": 1}, {"entity_id": "17", "actual": 0}]}
RETIRE = {"action": "retire", "by": "Ann", "reason": "no longer needed", "expected": 1}
CALLS: list[tuple[str, str, int, Any]] = [
    ("POST /predict", "/predict", 200, TWO_OF_FOUR),
    ("POST /predict", "/predict", 422, {"records": [RECORD | {"Age": -1}]}),
    ("POST /predict", "/predict", 422, {"records": []}),
    ("POST /predict", "/predict", 404, {"use_case": "tulips", "records": [RECORD]}),
    ("POST /predict", "/predict", 413, {"records": [RECORD] * 5_001}),
    ("GET /past-predictions", "/past-predictions?limit=1", 200, None),
    ("GET /past-predictions", "/past-predictions?limit=x", 422, None),
    ("POST /explain", "/explain", 200, {"use_case": "titanic", "record": RECORD}),
    ("POST /ground-truth", "/ground-truth", 200, UNKNOWN),
    ("POST /alerts/acknowledge", "/alerts/acknowledge", 200, {"rule": "data_quality"}),
    ("POST /alerts/acknowledge", "/alerts/acknowledge", 422, {"rule": "data_quality", "until": "yesterday"}),
    ("POST /alerts/acknowledge", "/alerts/acknowledge", 404, {"rule": "drift", "use_case": "tulips"}),
    ("GET /features/{use_case}/{entity_id}", "/features/titanic/17", 200, None),
    ("GET /features/{use_case}/{entity_id}", "/features/titanic/18", 404, None),
    ("POST /raw-files", "/raw-files", 201, {"use_case": "titanic", "name": "a.csv", "size": 9}),
    ("GET /raw-files/{file_id}", f"/raw-files/{FILE_ID}", 200, None),
    ("GET /reports/{file_id}", f"/reports/{FILE_ID}", 200, None),
    ("GET /bad-rows/{file_id}", f"/bad-rows/{FILE_ID}", 200, None),
    ("GET /use-cases", "/use-cases", 200, None),
    ("GET /use-cases/{name}", "/use-cases/penguins", 200, None),
    ("GET /model", "/model", 200, None),
    ("POST /reload-model", "/reload-model", 200, None),
    ("GET /use-cases/{name}/release", "/use-cases/titanic/release", 200, None),
    ("GET /use-cases/{name}/release", "/use-cases/tulips/release", 404, None),
    ("POST /use-cases/{name}/release", "/use-cases/titanic/release", 200, RETIRE),
    ("POST /use-cases/{name}/release", "/use-cases/titanic/release", 409, RETIRE | {"expected": 7}),
    ("POST /use-cases/{name}/release", "/use-cases/titanic/release", 422, RETIRE | {"by": " "}),
    ("GET /models/{version}/card", f"/models/{CARD.version}/card?use_case=titanic", 200, None),
    ("GET /models/{version}/card", f"/models/{CARD.version}/card?use_case=iris", 404, None),
    ("GET /health", "/health", 200, None),
    ("GET /metrics", "/metrics", 200, None),
]


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/openapi.json", headers={"x-api-key": ""}).json()
    return told


@pytest.fixture
def known(
    client: TestClient,
    features: FakeFeatures,
    references: FakeReferences,
    ingestions: FakeIngestions,
    registry: UnloadedRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An entity, a reference, a file with its report, registered versions, and predictions of all of them."""
    features.put("titanic", [Entity("17", RECORD, datetime(2026, 1, 1, tzinfo=UTC))])
    references.known["titanic"] = Reference(titanic_profile(), Calibration.of([0.3, 0.7], [False, True]))
    ingestions.files[FILE_ID] = ingestion(FILE_ID, report_key="reports/a.html", bad_key="titanic/a.csv")
    monkeypatch.setattr(FakeModels, "cards", lambda *_: ModelCards([CARD], CARD, None))
    registry.add(CARD, card_html=b"<h1>card</h1>")
    registry.point("titanic", "champion", CARD.version)
    assert client.post("/predict", json=TWO_OF_FOUR).status_code == 200
    assert client.post("/predict", json=TWO_OF_FOUR).status_code == 200


def test_versions_of_wide_models_are_told_with_the_columns_that_matter_most(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    importance = {f"c{place}": Metric(value=place / 1e4, low=0, high=1) for place in range(1_000)}
    diagnostics = Diagnostics(roc=(), calibration=(), confusion=(), importance=importance)
    wide = CARD.model_copy(update={"diagnostics": diagnostics, "typical": dict.fromkeys(importance, 1.5)})
    monkeypatch.setattr(FakeModels, "cards", lambda *_: ModelCards([wide] * 50, wide, wide))
    answer = client.get("/model")
    told = answer.json()
    assert len(answer.content) < 500_000
    assert list(told["champion"]["diagnostics"]["importance"]) == [f"c{place}" for place in range(999, 949, -1)]
    assert told["versions"][0] == told["champion"]
    assert len(told["typical"]) == 1_000


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("operation", "path", "status", "body"), CALLS, ids=str)
def test_answers_are_what_the_document_says(
    client: TestClient, document: dict[str, Any], operation: str, path: str, status: int, body: object
) -> None:
    method, route = operation.split()
    response = client.request(method, path, json=body)
    assert response.status_code == status
    told = document["paths"][route][method.lower()]["responses"][str(status)]["content"]
    content_type = response.headers["content-type"]
    assert content_type in told
    if "schema" in told[content_type]:
        schema = {**told[content_type]["schema"], "components": document["components"]}
        assert list(Draft202012Validator(schema).iter_errors(response.json())) == []


def test_every_operation_is_called_above(document: dict[str, Any]) -> None:
    told = {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}
    assert told == {operation for operation, *_ in CALLS}


def test_answers_have_no_fields_but_those_of_the_document(document: dict[str, Any]) -> None:
    of_definitions = {
        "CalibrationBin",
        "Candidate",
        "Card",
        "Chosen",
        "Diagnostics",
        "Interval",
        "Metric",
        "Parity",
        "ThresholdPoint",
    }  # a newer version's card may say more
    schemas = document["components"]["schemas"]
    objects = {name for name, schema in schemas.items() if schema.get("type") == "object"}
    assert {name for name in objects if schemas[name].get("additionalProperties") is not False} == of_definitions


def test_the_docs_find_their_document_behind_any_stage(client: TestClient, document: dict[str, Any]) -> None:
    assert "url: 'openapi.json'" in client.get("/docs", headers={"x-api-key": ""}).text
    assert document["components"]["schemas"]["TitanicRecord"]["anyOf"][0]["properties"]["Age"]["maximum"] == 120


def test_the_document_asks_for_the_key_but_not_where_all_may_call(document: dict[str, Any]) -> None:
    assert document["paths"]["/predict"]["post"]["security"] == [{"api_key": []}]
    assert "security" not in document["paths"]["/health"]["get"]


def test_the_kept_document_is_the_served_one(document: dict[str, Any]) -> None:
    kept = json.loads((Path(__file__).parents[3] / "docs/openapi.json").read_text())
    assert document == kept, "run make openapi"


def test_hostile_requests_go_to_every_route(document: dict[str, Any]) -> None:
    routes = {path: re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) for path in document["paths"]}
    known = [*GETS, *BODIES]
    assert {path for path, route in routes.items() if not any(re.fullmatch(route, each) for each in known)} == set()


def test_use_cases_with_like_names_have_schemas_of_their_own(app_module: Any) -> None:
    like_names = [CATALOG.get("titanic").model_copy(update={"name": name}) for name in ("a-past", "a_past", "a")]
    deps = replace(app_module.app.state.service.deps, catalog=FakeCatalog(like_names))
    found = openapi.document(app_module.app, deps)["components"]["schemas"]
    assert len([name for name in found if name.startswith("A")]) == 5 * 3
