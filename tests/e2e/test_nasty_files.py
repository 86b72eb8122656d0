"""Three hundred nasty files through the deployed stack: each has one verdict, and the innocent ones do not suffer."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from stack_env import client
from tabserve.core.files import RawFile
from tests.e2e.test_ingest import rows, wait_for
from tests.nasty_files import FILES, NastyFile, nasty_files

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]
ITS_TURN = timedelta(seconds=60)


def put(s3: Any, bucket: str, file: NastyFile) -> str:
    """Upload a file; return its id."""
    answer = s3.put_object(Bucket=bucket, Key=file.key, Body=file.content)
    return RawFile(bucket, file.key, answer["ETag"].strip('"'), answer.get("VersionId")).file_id


def dead_letters(stack: dict[str, str]) -> int:
    names = ["ApproximateNumberOfMessages"]
    queue = stack["INGEST_DEAD_LETTERS_URL"]
    answer = client(stack, "sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return int(answer["Attributes"][names[0]])


def test_three_hundred_nasty_files_have_one_verdict_each(stack: dict[str, str]) -> None:
    s3 = client(stack, "s3")
    files = {put(s3, stack["RAW_BUCKET"], file): file for file in nasty_files()}
    assert len(files) == FILES

    def verdicts() -> dict[str, Any]:
        found = rows(stack, "SELECT * FROM ingestions WHERE report_key IS NOT NULL")
        return {verdict["file_id"]: verdict for verdict in found if verdict["file_id"] in files}

    wait_for(lambda: len(verdicts()) == FILES or dead_letters(stack) > 0, 1200)
    found = verdicts()
    assert [file.key for file_id, file in files.items() if file_id not in found] == []
    assert dead_letters(stack) == 0
    explained = {
        row["file_id"] for row in rows(stack, "SELECT DISTINCT file_id FROM data_quality_issues WHERE rows > 0")
    }
    for file_id, verdict in found.items():
        assert verdict["rows_total"] == verdict["rows_good"] + verdict["rows_bad"]
        assert bool(verdict["error"]) == (verdict["status"] != "done")
        assert (verdict["rows_bad"] > 0) == (file_id in explained)
    innocent = [found[file_id] for file_id, file in files.items() if file.innocent]
    assert {(verdict["status"], verdict["rows_bad"]) for verdict in innocent} == {("done", 0)}
    taken = {verdict["key"]: verdict["finished_at"] - verdict["started_at"] for verdict in found.values()}
    slowest = max(taken, key=taken.__getitem__)
    print(f"\n{Counter(verdict['status'] for verdict in found.values())}")
    print(Counter(verdict["error"].partition(":")[0] for verdict in found.values() if verdict["error"]))
    print(f"slowest: {slowest[:40]} {taken[slowest]}; slowest innocent: {max(taken[v['key']] for v in innocent)}")
    print(f"all within {max(v['finished_at'] for v in found.values()) - min(v['started_at'] for v in found.values())}")
    assert max(taken[verdict["key"]] for verdict in innocent) < ITS_TURN
