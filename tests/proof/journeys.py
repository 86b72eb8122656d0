"""What each function must manage on a running stack; a journey raises AssertionError when it does not."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from tabserve.core.clock import utc_now
from tabserve.ingestion.build_sweep import sweep_service
from tabserve.ingestion.sweep import sweep
from tests.e2e.test_ingest import rows
from tests.e2e.test_main_job import call
from tests.proof.cloud import PASSENGER, TOLD, Cloud, message

REACHED, CREATED = 200, 201
MORE_THAN_A_PIECE, MOST_RECORDS = 1_001, 5_000
RECORD = {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C"}


class Journeys:
    """One method for each thing that a function does with AWS."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._reported = cloud.ingest(cloud.raw())

    @cached_property
    def of(self) -> Mapping[str, list[Callable[[], None]]]:
        """The journeys by function."""
        return {
            "predict": [
                self.features_are_found,
                self.versions_are_listed,
                self.versions_are_promoted,
                self.links_write_raw_files,
                self.links_read_files,
                self.queued_records_are_answered,
                self.large_answers_are_put_aside,
            ],
            "ingest": [
                self.raw_files_are_split,
                self.files_without_versions_are_split,
                self.absent_files_fail,
                self.files_of_new_use_cases_are_split,
                self.files_of_no_use_case_are_rejected,
            ],
            "features": [
                self.features_are_stored,
                self.long_files_go_on,
                self.absent_good_files_are_left,
                self.features_of_older_contracts_are_stored,
            ],
            "scheduled-predict": [
                self.good_rows_are_predicted,
                self.absent_good_files_are_given_up,
                self.rows_of_older_contracts_are_predicted,
            ],
            "monitor": [self.windows_are_judged, self.versions_without_reference_stop_no_other],
            "sweep": [self.lost_files_are_queued],
            "alerts": [self.alerts_are_published],
        }

    # ----------------------------------------------------------------------------------------------- predict
    def features_are_found(self) -> None:
        """The API reads the feature store."""
        entity = self._stored_entity()
        status, answer = call(self.cloud.stack, f"/features/titanic/{entity}")
        assert status == REACHED, answer

    def versions_are_listed(self) -> None:
        """The API knows all versions of the bucket, not the packed one only."""
        status, answer = call(self.cloud.stack, "/model?use_case=titanic")
        assert (status, len(answer.get("versions", ())) > 1) == (REACHED, True)

    def versions_are_promoted(self) -> None:
        """The API moves the champion's alias and keeps where it stood."""
        name = self.cloud.register_use_case()
        newest = self.cloud.versions(name)[-1]
        body = {"action": "promote", "version": newest, "by": "proof", "reason": "proof", "expected": 1}
        status, answer = call(self.cloud.stack, f"/use-cases/{name}/release", body)
        assert status == REACHED, answer

    def links_write_raw_files(self) -> None:
        """A link takes a raw file."""
        body = {"use_case": "titanic", "name": f"link-{next(self.cloud.numbers)}.csv", "size": 1}
        status, answer = call(self.cloud.stack, "/raw-files", body)
        assert status == CREATED, answer
        put = urllib.request.Request(answer["upload_url"], b"x", {"content-type": "text/csv"}, method="PUT")
        assert _status(put) == REACHED

    def links_read_files(self) -> None:
        """Links open a raw file, its report and its bad rows."""
        for path in ("raw-files", "reports", "bad-rows"):
            status, answer = call(self.cloud.stack, f"/{path}/{self._reported['file_id']}")
            assert status == REACHED, answer
            assert _status(urllib.request.Request(answer["url"])) == REACHED, path

    def queued_records_are_answered(self) -> None:
        """The answer to a message is on the results queue."""
        assert self.cloud.invoke("predict", message(json.dumps(RECORD))) == {"batchItemFailures": []}
        assert self._told("RESULTS_QUEUE_URL", "probability")

    def large_answers_are_put_aside(self) -> None:
        """An answer too large for a message lies in a bucket, and the message says where."""
        body = json.dumps({"use_case": "titanic", "records": [{"Age": "x"}] * MOST_RECORDS})
        assert self.cloud.invoke("predict", message(body)) == {"batchItemFailures": []}
        assert self._told("RESULTS_QUEUE_URL", "answer_in")

    # ------------------------------------------------------------------------------------------------ ingest
    def raw_files_are_split(self) -> None:
        """A raw file becomes a good and a bad object, and a report that compares with the champion's training data."""
        verdict = self.cloud.ingest(self.cloud.raw())
        for bucket in ("good", "bad"):
            assert self.cloud.read(f"{bucket.upper()}_BUCKET", verdict[f"{bucket}_key"])
        report = self.cloud.read("ARTIFACTS_BUCKET", verdict["report_key"]).decode()
        assert re.search(r'<br><span class="soft">[\d.]+ %', report), "the report lacks the reference"

    def files_without_versions_are_split(self) -> None:
        """A file is read whose event names no version."""
        self.cloud.ingest(self.cloud.raw(versioned=False))

    def absent_files_fail(self) -> None:
        """A file that is not there any more fails for good, and is not tried again."""
        file = {"key": self.cloud.key(), "ETag": '"0"', "VersionId": "0" * 32}
        assert self.cloud.ingest(file)["status"] == "failed"

    def files_of_new_use_cases_are_split(self) -> None:
        """A use case that is in the registry alone is known."""
        assert self.cloud.ingest(self.cloud.raw(use_case=self.cloud.register_use_case()))["rows_good"] == 2

    def files_of_no_use_case_are_rejected(self) -> None:
        """That a use case is in no registry is known, too."""
        assert self.cloud.ingest(self.cloud.raw(use_case=f"none_{next(self.cloud.numbers)}"))["status"] == "rejected"

    # ---------------------------------------------------------------------------------------------- features
    def features_are_stored(self) -> None:
        """A good file's rows are in the feature store."""
        assert self.cloud.item("FEATURES_TABLE", f"titanic#{self._stored_entity()}")

    def long_files_go_on(self) -> None:
        """What is left of a long file is queued."""
        file = next(self.cloud.numbers)
        lines = [f"{row},{file}-{row},{PASSENGER}" for row in range(1, MORE_THAN_A_PIECE + 1)]
        self.cloud.take(self.cloud.good(lines))
        assert self._told("FEATURES_QUEUE_URL", "offset")

    def absent_good_files_are_left(self) -> None:
        """A good file that is not there any more is not tried again."""
        self.cloud.take({"key": self.cloud.key(), "ETag": '"0"'})

    def features_of_older_contracts_are_stored(self) -> None:
        """A good file is read by the definition that judged it, which another one has replaced."""
        name, verdict = self._judged_before()
        good = self.cloud.s3.head_object(Bucket=self.cloud.stack["GOOD_BUCKET"], Key=verdict["good_key"])
        self.cloud.take({"key": verdict["good_key"], "ETag": good["ETag"]})
        [(first, *_)] = self.cloud.good_lines(verdict["good_key"])[:1]
        assert self.cloud.item("FEATURES_TABLE", f"{name}#{first}")

    # ------------------------------------------------------------------------------------- scheduled predict
    def good_rows_are_predicted(self) -> None:
        """The good rows of an ingested file are predicted."""
        file_id = self.cloud.ingest(self.cloud.raw())["file_id"]
        self.cloud.invoke("scheduled-predict", {})
        assert len(rows(self.cloud.stack, f"SELECT id FROM predictions WHERE file_id = '{file_id}'")) == 2

    def absent_good_files_are_given_up(self) -> None:
        """A file whose good object is gone is given up after its attempts, with the reason."""
        verdict = self.cloud.ingest(self.cloud.raw())
        self.cloud.s3.delete_object(Bucket=self.cloud.stack["GOOD_BUCKET"], Key=verdict["good_key"])
        for _ in range(3):
            self.cloud.invoke("scheduled-predict", {})
        marker = self.cloud.item("MARKERS_TABLE", f"predict#{verdict['file_id']}")
        assert marker.get("status") == {"S": "FAILED"}

    def rows_of_older_contracts_are_predicted(self) -> None:
        """So are its rows predicted."""
        _, verdict = self._judged_before()
        self.cloud.invoke("scheduled-predict", {})
        found = f"SELECT id FROM predictions WHERE file_id = '{verdict['file_id']}'"
        assert len(rows(self.cloud.stack, found)) == 2

    # ----------------------------------------------------------------------------------------------- monitor
    def windows_are_judged(self) -> None:
        """A window of a version that is not packed with the code is judged by its reference in the bucket."""
        version = self.cloud.register_another_version()
        self.cloud.predicted(version)
        self.cloud.invoke("monitor", {})
        assert rows(self.cloud.stack, f"SELECT feature FROM drift_metrics WHERE model_version = '{version}'")

    def versions_without_reference_stop_no_other(self) -> None:
        """A version without reference is passed over; it comes first, by its name."""
        self.cloud.predicted(f"2025-{next(self.cloud.numbers)}")
        self.windows_are_judged()

    # ------------------------------------------------------------------------------------- sweep and alerts
    def lost_files_are_queued(self) -> None:
        """A raw file without a verdict is queued again; by the code in this process, for which it is later."""
        self.cloud.raw()
        with self.cloud.acting_as("sweep"):
            later = lambda: utc_now() + timedelta(minutes=20)  # noqa: E731
            assert sweep(replace(sweep_service().deps, clock=later)).queued
        assert self._told("INGEST_QUEUE_URL", "Sweep")

    def alerts_are_published(self) -> None:
        """Whoever subscribed to the topic is told of a file that cannot be read."""
        file = self.cloud.put("RAW_BUCKET", ["a,b"], "VersionId")
        self.cloud.ingest(file)
        assert self.cloud.invoke("alerts", {})["failed"] == 0
        assert self._told(TOLD, file["key"])

    def _stored_entity(self) -> str:
        entity = f"entity-{next(self.cloud.numbers)}"
        self.cloud.take(self.cloud.good([f"1,{entity},{PASSENGER}"]))
        return entity

    def _judged_before(self) -> tuple[str, Mapping[str, Any]]:
        """Return a use case whose contract has changed, and the verdict on a file of before."""
        name = self.cloud.register_use_case()
        verdict = self.cloud.ingest(self.cloud.raw(use_case=name))
        self.cloud.change_contract(name)
        return name, verdict

    def _told(self, queue: str, words: str) -> bool:
        return any(words in body for body in self.cloud.received(queue))


def _status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
