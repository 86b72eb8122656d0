"""A running stack whose functions are invoked one event at a time, in place of queues and schedules.

So a refusal shows at once, and nobody tries again.
"""

import contextlib
import hashlib
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest

from stack_env import client
from tabserve.core import service as common
from tabserve.core.s3 import S3Store
from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.registry.version import DEFINITION
from tabserve.serving.store import prediction_store
from tests.e2e.test_ingest import rows
from tests.factories import batch

STACK = "tabserve"
HEADER = "PassengerId,Pclass,Name,Sex,Age,Fare,Embarked"
PASSENGER = "1,Doe,female,38,71.28,C"
TOLD = "TOLD_QUEUE_URL"
FIRST, SECOND = "1" * 8, "2" * 8  # how versions of a use case of the registry end
# A part of a long file ends when less time is left than a piece may take: with this time-out, after the first piece.
SECONDS_OF_FEATURES = 25
FROM_SNS = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
OF_THE_ACCOUNT = {
    "Principal": {"AWS": "*"},
    "Action": "sns:Publish",
    "Condition": {"StringEquals": {"AWS:SourceOwner": "000000000000"}},
}


class Cloud:
    """The stack for whoever may do everything."""

    def __init__(self, stack: Mapping[str, str]) -> None:
        self.stack = dict(stack)
        self.numbers = itertools.count(1)
        self.s3, self.sqs, self.lambda_, self.dynamodb = (
            client(self.stack, name) for name in ("s3", "sqs", "lambda", "dynamodb")
        )
        for mapping in self.lambda_.list_event_source_mappings()["EventSourceMappings"]:
            self.lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        self.lambda_.update_function_configuration(FunctionName=f"{STACK}-features", Timeout=SECONDS_OF_FEATURES)
        self.stack[TOLD] = self._subscribed()
        self.register_another_version()

    def raw(self, good_rows: int = 2, *, versioned: bool = True, use_case: str = "titanic") -> dict[str, str]:
        """Write a raw file with one bad row; return what its event says."""
        lines = [HEADER, *(f"{next(self.numbers)},{PASSENGER}" for _ in range(good_rows)), "x,9,Doe,nobody,-1,-1,Q"]
        return self.put("RAW_BUCKET", lines, *(["VersionId"] if versioned else []), use_case=use_case)

    def good(self, lines: list[str]) -> dict[str, str]:
        """Write a good file; return what its event says."""
        return self.put("GOOD_BUCKET", [f"row_number,{HEADER}", *lines])

    def put(self, bucket: str, lines: list[str], *told: str, use_case: str = "titanic") -> dict[str, str]:
        """Write lines under a new key; return it, the ETag and what else is to be told."""
        key, body = self.key(use_case), "\n".join([*lines, ""]).encode()
        written = self.s3.put_object(Bucket=self.stack[bucket], Key=key, Body=body)
        return {"key": key, **{name: written[name] for name in ("ETag", *told)}}

    def key(self, use_case: str = "titanic") -> str:
        """Return a new key."""
        return f"{use_case}/{next(self.numbers)}.csv"

    def ingest(self, file: Mapping[str, str]) -> Mapping[str, Any]:
        """Have a raw file ingested; return the verdict."""
        assert self.invoke("ingest", self._event("RAW_BUCKET", file)) == {"batchItemFailures": []}
        (verdict,) = rows(self.stack, f"SELECT * FROM ingestions WHERE key = '{file['key']}'")
        return dict(verdict)

    def good_lines(self, key: str) -> list[list[str]]:
        """Return the cells of a good object's rows, without their numbers."""
        text = self.read("GOOD_BUCKET", key).decode()
        return [line.split(",")[1:] for line in text.splitlines()[1:]]

    def take(self, file: Mapping[str, str]) -> None:
        """Have a good file's features stored."""
        assert self.invoke("features", self._event("GOOD_BUCKET", file)) == {"batchItemFailures": []}

    def invoke(self, function: str, event: object) -> Any:
        """Return a function's answer."""
        reply = self.lambda_.invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event).encode())
        answer = json.load(reply["Payload"])
        assert "FunctionError" not in reply, answer
        return answer

    def read(self, bucket: str, key: str) -> bytes:
        """Return an object."""
        body: bytes = self.s3.get_object(Bucket=self.stack[bucket], Key=key)["Body"].read()
        return body

    def item(self, table: str, pk: str) -> dict[str, Any]:
        """Return an item; empty when there is none."""
        found = self.dynamodb.get_item(TableName=self.stack[table], Key={"pk": {"S": pk}})
        return dict(found.get("Item", {}))

    def received(self, queue: str) -> list[str]:
        """Empty a queue and return what was in it."""
        url, bodies = self.stack[queue], []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for each in messages:
                bodies.append(each["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return bodies

    def register_another_version(self) -> str:
        """Copy what is known about the champion under another name of a version."""
        folder = "models/titanic"
        champion = json.loads(self.read("ARTIFACTS_BUCKET", f"{folder}/aliases/champion.json"))["version"]
        version = f"20260101T000000Z-{next(self.numbers):08x}"
        for name in ("metadata.json", "reference.json"):
            body = self.read("ARTIFACTS_BUCKET", f"{folder}/{champion}/{name}")
            self.s3.put_object(Bucket=self.stack["ARTIFACTS_BUCKET"], Key=f"{folder}/{version}/{name}", Body=body)
        return version

    def register_use_case(self) -> str:
        """Register a use case that no folder has, with a version of each of two contracts; the first is champion."""
        registry = Registry(S3Store(self.s3, self.stack["ARTIFACTS_BUCKET"]))
        name = f"boats_{next(self.numbers)}"
        champion = str(registry.alias("titanic", "champion"))
        known = registry.metadata("titanic", champion)
        files = {each: registry.file("titanic", champion, each) for each in known.files}
        for ending, missing in ((FIRST, ["", "NA"]), (SECOND, ["", "NA", "?"])):
            content = {**json.loads(files[DEFINITION]), "name": name, "missing_values": missing}
            use_case = UseCase.model_validate(content)
            own = {**files, DEFINITION: json.dumps(content).encode()}
            changes = {
                "use_case": name,
                "version": f"{champion[:-8]}{ending}",
                "contract_sha256": use_case.contract_sha256,
                "model_sha256": use_case.model_sha256,
                "files": {each: hashlib.sha256(body).hexdigest() for each, body in own.items()},
            }
            registry.register(known.model_copy(update=changes), own)
        registry.point(name, "champion", f"{champion[:-8]}{FIRST}")
        return name

    def versions(self, use_case: str) -> list[str]:
        """Return the versions of a use case."""
        return Registry(S3Store(self.s3, self.stack["ARTIFACTS_BUCKET"])).versions(use_case)

    def change_contract(self, name: str) -> None:
        """Promote the version of the second contract."""
        registry = Registry(S3Store(self.s3, self.stack["ARTIFACTS_BUCKET"]))
        [second] = [version for version in registry.versions(name) if version.endswith(SECOND)]
        registry.point(name, "champion", second)

    def predicted(self, version: str) -> None:
        """Store a full window of a version's predictions."""
        long_ago = datetime.now(UTC) - timedelta(minutes=30)
        prediction_store(self.stack["DATABASE_URL"]).add(batch(500, model_version=version, created_at=long_ago))

    @contextlib.contextmanager
    def acting_as(self, function: str) -> Iterator[None]:
        """Give this process the settings and the credentials of a function."""
        configured = self.lambda_.get_function_configuration(FunctionName=f"{STACK}-{function}")
        sts = client(self.stack, "sts")
        session = sts.assume_role(RoleArn=configured["Role"], RoleSessionName="proof")["Credentials"]
        names = {
            "AccessKeyId": "ACCESS_KEY_ID",
            "SecretAccessKey": "SECRET_ACCESS_KEY",
            "SessionToken": "SESSION_TOKEN",
        }
        credentials = {f"AWS_{name}": session[key] for key, name in names.items()}
        fresh = botocore.session.Session()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**configured["Environment"]["Variables"], **credentials}.items():
                patch.setenv(name, value)
            patch.setattr(common, "_session", lambda: fresh)
            yield

    def _event(self, bucket: str, file: Mapping[str, str]) -> dict[str, Any]:
        found = {"key": file["key"], "eTag": file["ETag"].strip('"'), "sequencer": f"{next(self.numbers):016X}"}
        found |= {"versionId": file["VersionId"]} if "VersionId" in file else {}
        return message(json.dumps({"Records": [{"s3": {"bucket": {"name": self.stack[bucket]}, "object": found}}]}))

    def _subscribed(self) -> str:
        """Subscribe a queue to the topic of alerts; return its URL."""
        topic, sns = self.stack["ALERT_TOPIC_ARN"], client(self.stack, "sns")
        # The emulator's CloudFormation lets everybody publish; AWS writes the account into a topic's own policy.
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=_policy(topic, OF_THE_ACCOUNT))
        url: str = self.sqs.create_queue(QueueName="told")["QueueUrl"]
        arn = topic.replace(":sns:", ":sqs:").rpartition(":")[0] + ":told"
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(arn, FROM_SNS)})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url


def _policy(resource: str, statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement, "Resource": resource}]})


def message(body: str) -> dict[str, Any]:
    """Return the event of one message of a queue."""
    record = {"messageId": str(uuid.uuid4()), "eventSource": "aws:sqs", "body": body}
    return {"Records": [record | {"attributes": {"ApproximateReceiveCount": "1"}}]}
