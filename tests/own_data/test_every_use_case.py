"""What must hold for every definition in `use_cases/`, whoever wrote it: from its raw files to its drift."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from sqlalchemy import create_engine
from streamlit.testing.v1 import AppTest

import check_dashboards
from grafana import write
from tabserve.core.clock import utc_now
from tabserve.core.derivation import with_derived
from tabserve.core.events import GoodFile, good_file_message
from tabserve.core.good_rows import GoodRows, Records
from tabserve.core.use_case import UseCase
from tabserve.core.validation import validate
from tabserve.monitoring.service import run
from tests.factories import CONTEXT
from tests.ingest_truth import raw_files
from tests.integration.ingestion.test_ingest_at_scale import check, deliver, upload
from tests.lambdas import messages
from tests.own_data.conftest import World
from ui import panels, records
from ui.components import panel_charts
from ui.database import ReaderDatabase

pytestmark = pytest.mark.timeout(300)  # the first test of a use case trains its model
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def good_rows(world: World) -> Rows:
    """Records of the good objects that ingestion made of raw files with every kind of defect."""
    truth = raw_files(world.use_case, world.folder / "raw", files=4, errors=0.2, data=world.data)
    deliver(upload(world.s3, world.use_case.name, truth), world.monkeypatch)
    check(world.s3, world.database_url, world.use_case.name, truth)
    return [row for key in good_keys(world) for row in read_good(world, key)]


def good_keys(world: World) -> list[str]:
    return [item["Key"] for item in world.s3.list_objects_v2(Bucket="good")["Contents"]]


def read_good(world: World, key: str) -> Iterator[dict[str, Any]]:
    rows = GoodRows(
        io.BytesIO(world.s3.get_object(Bucket="good", Key=key)["Body"].read()), world.use_case.format.delimiter
    )
    reader = Records(world.use_case, rows.columns)
    yield from (dict(reader.read(cells)) for _, cells in rows)


@pytest.fixture(scope="module")
def client(world: World) -> TestClient:
    return world.client()


@pytest.fixture(scope="module")
def answers(world: World, client: TestClient, good_rows: Rows) -> list[dict[str, Any]]:
    """What the API answers to the good rows."""
    answer = client.post("/predict", json={"use_case": world.use_case.name, "records": good_rows})
    assert answer.status_code == 200
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions


def test_the_export_answers_like_the_pipeline(world: World) -> None:
    assert world.trained.metadata.parity.rows >= 100_000
    assert set(world.trained.aliases) == {"challenger", "champion"}


def test_the_example_is_valid(use_case: UseCase) -> None:
    assert not use_case.example or validate(use_case, [use_case.example]).errors == {}


def test_raw_files_are_split_as_the_truth_says(good_rows: Rows) -> None:
    assert len(good_rows) > 200


def test_every_good_row_is_predicted_and_kept(
    world: World, client: TestClient, good_rows: Rows, answers: list[dict[str, Any]]
) -> None:
    use_case, target = world.use_case, world.use_case.target
    assert [answer.get("error") for answer in answers] == [None] * len(good_rows)
    if use_case.is_regression:
        assert all(answer["interval"][0] <= answer["interval"][1] for answer in answers)
    else:
        assert {answer["prediction"] for answer in answers} <= set(target.classes)
        assert {answer["label"] for answer in answers} <= {*target.labels, *target.texts}
    page = client.get("/past-predictions", params={"use_case": world.use_case.name, "limit": 1000}).json()
    kept = {each["prediction_id"]: each["features"] for each in page["predictions"]}
    for answer, row in zip(answers, good_rows, strict=True):
        own = {name: row[name] for name in use_case.feature_names}
        derived = with_derived(use_case, {name: [value] for name, value in own.items()})
        assert kept[answer["prediction_id"]] == {name: values[0] for name, values in derived.items()}


def test_outcomes_are_taken_as_the_data_write_them(
    world: World, client: TestClient, answers: list[dict[str, Any]]
) -> None:
    texts = world.use_case.target.texts or ("12.5", "100")
    told = [
        {"prediction_id": answer["prediction_id"], "actual": texts[place % len(texts)]}
        for place, answer in enumerate(answers)
    ]
    body = client.post("/ground-truth", json={"use_case": world.use_case.name, "records": told}).json()
    assert body == {"stored": len(told), "errors": []}


def test_a_prediction_is_explained(world: World, client: TestClient, good_rows: Rows) -> None:
    record = {name: good_rows[0][name] for name in world.use_case.feature_names}
    answer = client.post("/explain", json={"use_case": world.use_case.name, "record": record})
    assert answer.status_code == 200
    assert {effect["feature"] for effect in answer.json()["effects"]} == set(world.use_case.input_names)


def test_an_entity_is_predicted_from_the_features_of_its_good_row(
    world: World, client: TestClient, good_rows: Rows
) -> None:
    app = world.function("features")
    for key in good_keys(world):
        event = messages(good_file_message(GoodFile("good", key)))
        assert app.handler(event, CONTEXT) == {"batchItemFailures": []}
    entity = good_rows[0]["entity_id"]
    asked = {"use_case": world.use_case.name, "records": [{"entity_id": entity}]}
    status = client.post("/predict", json=asked).status_code
    assert status == (200 if world.use_case.feature_store else 422)


def test_the_api_documents_the_records_it_takes(world: World, client: TestClient, good_rows: Rows) -> None:
    document = client.get("/openapi.json").json()
    Draft202012Validator.check_schema(document["components"]["schemas"])
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = {**body, "components": document["components"]}
    asked = {"use_case": world.use_case.name, "records": good_rows[:20]}
    assert list(Draft202012Validator(schema).iter_errors(asked)) == []
    assert list(Draft202012Validator(schema).iter_errors({**asked, "records": [{"no such field": 1}]}))


def test_the_page_reads_a_file_as_ingestion_does(world: World, client: TestClient) -> None:
    definition = client.get(f"/use-cases/{world.use_case.name}").json()
    upload = records.read_csv(io.BytesIO(world.data.read_bytes()), definition)
    read = list(records.records(upload, definition))
    assert validate(world.use_case, read).errors == {}
    example = records.read_csv(io.BytesIO(records.example_csv(definition)), definition)
    assert list(validate(world.use_case, list(records.records(example, definition))).errors) == [5]


def draw_form(definition: "dict[str, Any]") -> None:  # run as a script of its own
    import streamlit

    from ui.components.form import Form

    streamlit.session_state["record"] = Form(definition, {}).ask()


def test_the_page_draws_a_form_whose_values_are_valid(world: World, client: TestClient) -> None:
    definition = client.get(f"/use-cases/{world.use_case.name}").json()
    page = AppTest.from_function(draw_form, args=(definition,), default_timeout=30).run()
    page.button[0].click().run()
    assert not page.exception
    assert validate(world.use_case, [page.session_state["record"]]).errors == {}


def test_drift_is_judged_and_every_panel_drawn(world: World, answers: list[dict[str, Any]]) -> None:
    later = timedelta(minutes=world.use_case.monitoring.window.minutes + 1)
    monitor = replace(world.function("monitor").service.deps, clock=lambda: utc_now() + later)
    assert run(monitor).windows > 0
    end = datetime.now(UTC) + 2 * later
    variables = {"use_case": world.use_case.name, "feature": world.use_case.feature_names[0], "page": ""}
    view = panels.View(end - 4 * later, end, variables)
    url = check_dashboards.reader_url(world.database_url)
    reader = create_engine(url)
    assert list(check_dashboards.query_problems(reader, write.documents(), view.start, view.end, variables)) == []
    reader.dispose()
    shown = [panel for board in panels.dashboards().values() for panel in board["panels"]]
    draw(shown, ReaderDatabase(url), view)
    of_feature = [panel for panel in shown if "${feature" in json.dumps(panel["targets"])]
    for feature in world.use_case.feature_names[1:]:
        draw(of_feature, ReaderDatabase(url), replace(view, variables=variables | {"feature": feature}))


def draw(shown: list[dict[str, Any]], database: ReaderDatabase, view: panels.View) -> None:
    for panel in shown:
        frame = panels.data(panel, database, view)
        if panel["type"] == "stat":
            assert panels.stat(panel, frame)
        elif panel["type"] in panel_charts.DRAWN and not frame.empty:
            panel_charts.draw(panel, frame, view).chart.to_dict()
