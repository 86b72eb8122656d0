"""Explanations, raw files and reports over HTTP."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tabserve.reference.calibration import Calibration
from tabserve.reference.reference import Reference
from tests.definitions import CATALOG
from tests.factories import ingestion
from tests.fakes.ingestion import FakeIngestions
from tests.fakes.models import FakeReferences
from tests.unit.serving.test_explanation import titanic_profile

RECORD = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
FILE_ID = "f" * 64


def explain(client: TestClient, **changes: Any) -> tuple[int, dict[str, Any]]:
    body = {"use_case": "titanic", "record": RECORD, **changes}
    response = client.post("/explain", json=body)
    return response.status_code, response.json()


def test_explains_every_feature(client: TestClient, references: FakeReferences) -> None:
    references.known["titanic"] = Reference(titanic_profile(), Calibration.of([0.3, 0.7], [False, True]))
    status, body = explain(client)
    assert status == 200
    assert [effect["feature"] for effect in body["effects"]] == list(CATALOG.get("titanic").feature_names)
    assert (body["label"], body["method"]) == ("survived", "exact")


def test_explanation_without_reference_says_so(client: TestClient) -> None:
    status, body = explain(client)
    assert status == 503
    assert "no reference" in body["detail"]


def test_explanation_names_wrong_values(client: TestClient) -> None:
    status, body = explain(client, record={**RECORD, "Age": -1})
    assert status == 422
    assert [(error["column"], error["rule"]) for error in body["errors"]] == [("Age", "below_minimum")]


def test_raw_file_gets_a_link_for_its_key(client: TestClient) -> None:
    response = client.post("/raw-files", json={"use_case": "titanic", "name": "day 1.csv", "size": 17})
    assert response.status_code == 201
    assert response.json()["key"] == "titanic/day 1.csv"
    assert response.json()["upload_url"] == "https://raw.test/titanic/day 1.csv?put=text/csv&size=17"


def test_raw_file_names_cannot_leave_their_folder(client: TestClient) -> None:
    for name in ("../iris/a.csv", "a/b.csv", ".csv", "a.txt", ""):
        response = client.post("/raw-files", json={"use_case": "titanic", "name": name, "size": 1})
        assert response.status_code == 422, name
    assert client.post("/raw-files", json={"use_case": "nobody", "name": "a.csv", "size": 1}).status_code == 404


def test_a_size_may_be_any_number_that_json_calls_whole(client: TestClient) -> None:
    response = client.post("/raw-files", json={"use_case": "titanic", "name": "a.csv", "size": 17.0})
    assert response.json()["upload_url"].endswith("&size=17")


@pytest.mark.parametrize("size", [None, 0, -1, 2**31, 2**70, 1.5, "1", True])
def test_a_raw_file_that_is_too_large_gets_no_link(client: TestClient, size: object) -> None:
    response = client.post("/raw-files", json={"use_case": "titanic", "name": "a.csv", "size": size})
    assert (response.status_code, response.json()["errors"][0]["column"]) == (422, "size")


def test_report_is_a_link(client: TestClient, ingestions: FakeIngestions) -> None:
    ingestions.files[FILE_ID] = replace(ingestion(FILE_ID), report_key="reports/titanic/x.html")
    assert client.get(f"/reports/{FILE_ID}").json()["url"] == "https://artifacts.test/reports/titanic/x.html?get"


def test_raw_file_can_be_read_again(client: TestClient, ingestions: FakeIngestions) -> None:
    assert client.get(f"/raw-files/{FILE_ID}").status_code == 404
    ingestions.files[FILE_ID] = replace(ingestion(FILE_ID), key="titanic/a.csv")
    assert client.get(f"/raw-files/{FILE_ID}").json()["url"] == "https://raw.test/titanic/a.csv?get"


def test_all_bad_rows_of_a_file_are_a_link(client: TestClient, ingestions: FakeIngestions) -> None:
    ingestions.files[FILE_ID] = ingestion(FILE_ID, bad_key=None)
    assert client.get(f"/bad-rows/{FILE_ID}").status_code == 404
    ingestions.files[FILE_ID] = replace(ingestion(FILE_ID), bad_key="titanic/x/y/a.csv")
    assert client.get(f"/bad-rows/{FILE_ID}").json()["url"] == "https://bad.test/titanic/x/y/a.csv?get"


def test_file_without_report_is_not_found(client: TestClient, ingestions: FakeIngestions) -> None:
    assert client.get(f"/reports/{FILE_ID}").status_code == 404
    ingestions.files[FILE_ID] = ingestion(FILE_ID)
    assert client.get(f"/reports/{FILE_ID}").status_code == 404
    assert client.get("/reports/x").status_code == 422
