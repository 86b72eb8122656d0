"""What a user does after `make up`, with nothing but an S3 client and HTTP."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from local_cloud.config import ROOT
from stack_env import client
from tabserve.core.files import RawFile

pytestmark = pytest.mark.timeout(400)

LIKELY = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}
UNLIKELY = {"Pclass": 3, "Sex": "male", "Age": 22, "Fare": 7.25, "Embarked": "S"}


def call(stack: dict[str, str], path: str, body: object = None, key: str | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        stack["API_URL"] + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"x-api-key": stack["API_KEY"] if key is None else key, "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def eventually(look: Callable[[], list[Any]], seconds: float) -> list[Any]:
    deadline = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return seen


def keys(stack: dict[str, str], bucket: str, text: str) -> list[str]:
    """The keys in a bucket that have some text in them."""
    pages = client(stack, "s3").get_paginator("list_objects_v2").paginate(Bucket=stack[bucket])
    return [item["Key"] for page in pages for item in page.get("Contents", []) if text in item["Key"]]


def test_a_raw_file_becomes_good_and_bad_rows_and_predictions(stack: dict[str, str]) -> None:
    header, *rows = (ROOT / "datasets/titanic/train.csv").read_bytes().splitlines(keepends=True)
    raw = b"".join([header, *rows[:40], b"9001,0,3,Somebody,mle,abc\n"])
    name = f"first class, and others {time.time_ns()}.csv"
    put = client(stack, "s3").put_object(Bucket=stack["RAW_BUCKET"], Key=f"titanic/{name}", Body=raw)
    file_id = RawFile(stack["RAW_BUCKET"], f"titanic/{name}", put["ETag"].strip('"'), put["VersionId"]).file_id

    (good,) = eventually(lambda: keys(stack, "GOOD_BUCKET", file_id), 60)
    (bad,) = eventually(lambda: keys(stack, "BAD_BUCKET", file_id), 60)
    assert good == bad
    assert good.startswith("titanic/")

    def scheduled() -> list[dict[str, Any]]:
        status, page = call(stack, "/past-predictions?use_case=titanic&source=scheduled&limit=1000")
        assert status == 200, page
        own = [prediction for prediction in page["predictions"] if prediction["file_id"] == file_id]
        return own if len(own) == 40 else []

    predictions = eventually(scheduled, 300)
    assert len({prediction["entity_id"] for prediction in predictions}) == 40


@pytest.mark.parametrize(("passenger", "label"), [(LIKELY, "survived"), (UNLIKELY, "died")])
def test_the_champion_knows_who_was_likely_to_survive(stack: dict[str, str], passenger: object, label: str) -> None:
    status, answer = call(stack, "/predict", passenger)
    assert status == 200, answer
    (prediction,) = answer["predictions"]
    assert prediction["label"] == label
    assert prediction["probability"] > 0.8 if label == "survived" else prediction["probability"] < 0.2


@pytest.mark.parametrize("key", ["", "wrong"])
def test_a_call_without_the_right_key_is_refused_by_the_gateway(stack: dict[str, str], key: str) -> None:
    assert call(stack, "/predict", LIKELY, key=key) == (403, {"message": "Forbidden"})


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"source": "scheduled"}, "source"),
        ({"origin": {"file_id": "ab" * 32, "row_numbers": [1], "fence": 9}}, "origin"),
    ],
)
def test_nobody_but_the_scheduled_function_sends_rows_of_a_file(
    stack: dict[str, str], more: dict[str, object], field: str
) -> None:
    status, problem = call(stack, "/predict", {"use_case": "titanic", "records": [LIKELY], "invoked_by": "scheduler"})
    assert (status, problem["errors"][0]["column"]) == (422, "invoked_by")

    status, problem = call(stack, "/predict", {"use_case": "titanic", "records": [LIKELY], **more})
    assert (status, problem["errors"][0]["column"], problem["errors"][0]["rule"]) == (422, field, "scheduler_only")


def test_health_needs_no_key(stack: dict[str, str]) -> None:
    assert call(stack, "/health", key="")[0] == 200


@pytest.mark.usefixtures("guarded")
def test_a_raw_file_of_another_size_than_announced_is_refused(stack: dict[str, str]) -> None:
    name = f"announced-{time.time_ns()}.csv"
    status, link = call(stack, "/raw-files", {"use_case": "titanic", "name": name, "size": 10})
    assert status == 201

    for body in (b"x" * 9, b"x" * 11, b"x" * 1_000_000):
        put = urllib.request.Request(link["upload_url"], body, {"content-type": "text/csv"}, method="PUT")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(put, timeout=30)

    assert not keys(stack, "RAW_BUCKET", name)
