"""A raw file in no folder of the bucket, through everything of the deployed stack that meets a file."""

import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import reconcile
from quarantine import Commands
from stack_env import client
from tabserve.core.database import Database
from tabserve.ingestion import reconciliation
from tabserve.ingestion.accounts import file_accounts
from tests.e2e.test_main_job import call, eventually, keys
from ui import queries
from ui.api import ApiClient
from ui.database import ReaderDatabase
from ui.settings import read_settings

pytestmark = pytest.mark.timeout(700)

NOW = time.time_ns()
STEM = f"passengers-{NOW}"
KEY = f"{STEM}.csv"
IDS = [f"{NOW}{number}" for number in range(3)]
HEADER = "PassengerId,Pclass,Name,Sex,Age,Fare,Embarked"
GOOD = (f"{IDS[0]},1,Doe,female,38,71.28,C", f"{IDS[1]},3,Roe,male,22,7.25,S")
BAD = f"{IDS[2]},3,Poe,mle,22,7.25,S"


@pytest.fixture
def api(stack: dict[str, str]) -> Iterator[ApiClient]:
    """The API as the page calls it."""
    with httpx.HTTPTransport() as transport:
        yield ApiClient(read_settings(stack), transport)


def test_a_raw_file_in_no_folder_goes_the_whole_way_of_the_default_use_case(
    stack: dict[str, str], api: ApiClient, tmp_path: Path
) -> None:
    body = "".join(f"{row}\n" for row in (HEADER, *GOOD, BAD)).encode()
    client(stack, "s3").put_object(Bucket=stack["RAW_BUCKET"], Key=KEY, Body=body)
    page = ReaderDatabase(stack["READER_DATABASE_URL"])

    (file,) = eventually(lambda: files(page, KEY, "report_key"), 60)
    assert (file["use_case"], file["status"], file["criticality"]) == ("titanic", "done", "medium")
    assert (file["rows_total"], file["rows_good"], file["rows_bad"]) == (3, 2, 1)
    for bucket in ("GOOD_BUCKET", "BAD_BUCKET"):
        (key,) = keys(stack, bucket, file["file_id"])
        assert key.startswith("titanic/")
        assert key.endswith(f"/{KEY}")
    assert KEY in api.report(file["file_id"])[0]
    assert api.raw_file_start(file["file_id"]).startswith(HEADER.encode())

    repaired = Commands(page, api)
    repaired.export(Namespace(file_id=file["file_id"], out=str(tmp_path / "bad.csv")))
    (tmp_path / "bad.csv").write_text((tmp_path / "bad.csv").read_text().replace("mle", "male"))
    repaired.submit(Namespace(file_id=file["file_id"], csv=tmp_path / "bad.csv"))

    assert eventually(lambda: files(page, KEY, "predicted_at"), 300)
    (again,) = eventually(lambda: files(page, f"titanic/{STEM}-repaired-", "predicted_at"), 300)
    assert (again["rows_good"], again["rows_bad"]) == (1, 0)
    status, found = call(stack, "/past-predictions?use_case=titanic&source=scheduled&limit=1000")
    assert status == 200, found
    predicted = [each["entity_id"] for each in found["predictions"]]
    for entity_id in IDS:
        assert predicted.count(entity_id) == 1
        assert call(stack, f"/features/titanic/{entity_id}")[0] == 200
    assert mismatches(stack) == []


def files(page: ReaderDatabase, key: str, known: str) -> list[dict[str, Any]]:
    """Return the files that the page lists under a key's beginning and of which it knows something."""
    listed = queries.files(page, 10, name=key)
    there = listed[listed["key"].str.startswith(key) & listed[known].notna()]
    return [{str(name): value for name, value in file.items()} for file in there.to_dict("records")]


def mismatches(stack: dict[str, str]) -> list[reconciliation.Mismatch]:
    """Return what does not add up about the file and its repaired rows."""
    database = Database(stack["DATABASE_URL"])
    try:
        found = reconciliation.reconcile(
            reconcile.raw_files(client(stack, "s3"), stack["RAW_BUCKET"]), file_accounts(database)
        )
    finally:
        database.close()
    return [mismatch for mismatch in found if STEM in mismatch.key]
