"""Raw files through the deployed stack: S3, SQS, the function and the tables as they are in production."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from stack_env import client
from tabserve.core import database
from tabserve.core.events import raw_file_message
from tabserve.core.files import RawFile
from tests.definitions import CATALOG
from tests.ingest_truth import Truth, raw_files
from tests.integration.ingestion.test_ingest_at_scale import check

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1200)]
FILES = 200
ROWS = 1_000_000
MEMORY_MB = 512


def wait_for(what: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(1)


def rows(stack: dict[str, str], query: str) -> list[Any]:
    engine = database.create(stack["DATABASE_URL"])
    with engine.connect() as connection:
        found = list(connection.execute(text(query)).mappings())
    engine.dispose()
    return found


class Buckets:
    """The stack's buckets under the names the checks use."""

    def __init__(self, s3: Any, stack: dict[str, str]) -> None:
        self._s3 = s3
        self._names = {name: stack[f"{name.upper()}_BUCKET"] for name in ("raw", "good", "bad", "artifacts")}

    def get_object(self, **arguments: Any) -> Any:
        return self._s3.get_object(**arguments | {"Bucket": self._names[arguments["Bucket"]]})

    def get_paginator(self, name: str) -> Any:
        names, paginator = self._names, self._s3.get_paginator(name)

        class Pages:
            def paginate(self, **arguments: Any) -> Any:
                return paginator.paginate(**arguments | {"Bucket": names[arguments["Bucket"]]})

        return Pages()


def test_two_hundred_files_with_every_defect_are_accounted_for(stack: dict[str, str], tmp_path: Path) -> None:
    truth = raw_files(CATALOG.get("titanic"), tmp_path / "raw", files=FILES, errors=0.4, seed=9)
    s3, sqs = client(stack, "s3"), client(stack, "sqs")
    deliver(s3, sqs, stack, truth)
    wait_for(lambda: settled(stack, FILES), 600)
    check(Buckets(s3, stack), stack["DATABASE_URL"], "titanic", truth)


def deliver(s3: Any, sqs: Any, stack: dict[str, str], truth: list[Truth]) -> None:
    """Upload, and send the event of each file none to two times more, in any order."""
    chance, files = random.Random(3), []
    for file in chance.sample(truth, len(truth)):
        answer = s3.put_object(Bucket=stack["RAW_BUCKET"], Key=f"titanic/{file.name}", Body=file.content)
        version = answer.get("VersionId")
        files.append(RawFile(stack["RAW_BUCKET"], f"titanic/{file.name}", answer["ETag"].strip('"'), version))
    again = [file for file in files for _ in range(chance.randint(0, 2))]
    chance.shuffle(again)
    for event in again:
        sqs.send_message(QueueUrl=stack["INGEST_QUEUE_URL"], MessageBody=raw_file_message(event).decode())


def settled(stack: dict[str, str], files: int) -> bool:
    sqs = client(stack, "sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=stack["INGEST_QUEUE_URL"], AttributeNames=names)["Attributes"]
    done = rows(stack, "SELECT count(*) AS n FROM ingestions WHERE report_key IS NOT NULL")[0]["n"]
    return done >= files and not any(int(count) for count in counts.values())


def test_a_million_rows_go_through_within_the_memory_of_the_function(stack: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "million.csv"
    with path.open("w", encoding="utf-8") as stream:
        stream.write("PassengerId,Pclass,Name,Sex,Age,Fare,Embarked\n")
        for number in range(1, ROWS + 1):
            sex = "male" if number % 20 else "MALE"
            stream.write(f'{number},{number % 3 + 1},"Doe, Mr. {number}",{sex},{number % 80},{number % 500}.5,S\n')
    client(stack, "s3").upload_file(str(path), stack["RAW_BUCKET"], "titanic/million.csv")
    query = "SELECT * FROM ingestions WHERE key = 'titanic/million.csv' AND report_key IS NOT NULL"
    wait_for(lambda: bool(rows(stack, query)), 300)
    [verdict] = rows(stack, query)
    assert (verdict["rows_total"], verdict["rows_bad"], verdict["status"]) == (ROWS, ROWS // 20, "done")
    peak = max(entry["peak_memory_mb"] for entry in logged(stack) if entry.get("key") == "titanic/million.csv")
    print(f"\npeak memory {peak} MB, {verdict['finished_at'] - verdict['started_at']} for {ROWS} rows")
    assert peak <= MEMORY_MB


def logged(stack: dict[str, str]) -> list[dict[str, Any]]:
    logs = client(stack, "logs")
    names = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    [name] = [name for name in names if name.endswith("-ingest")]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
    found = []
    for message in (event["message"] for page in pages for event in page["events"]):
        try:
            entry = json.loads(message)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found
