"""The buckets, tables, queues and the topic of one world, in the emulator."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import boto3

from local_cloud.config import CREDENTIALS
from tabserve.core.events import GoodFile, good_file_message
from tabserve.core.files import RawFile
from tabserve.core.s3 import S3Store
from tabserve.registry.store import Registry
from tests.lambdas import create_table

BUCKETS = ("raw", "good", "bad", "artifacts")
TABLES = ("markers", "features")
QUEUES = ("ingest", "features", "told")  # `told` gets what the topic of alerts tells
REGION = "us-east-1"
ANYBODY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}


class Cloud:
    """One world's part of the emulator; `name` begins the name of everything in it."""

    def __init__(self, name: str, emulator: str) -> None:
        self._name = name
        self._emulator = emulator
        self._notified: set[str] = set()
        self.s3, self._dynamodb, self._sqs, self._sns = map(self._client, ("s3", "dynamodb", "sqs", "sns"))
        for bucket in BUCKETS:
            self.s3.create_bucket(Bucket=self.of(bucket))
        versioned = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket=self.of("raw"), VersioningConfiguration=versioned)
        for table in TABLES:
            create_table(self._dynamodb, self.of(table))
        self._queues = {queue: self._sqs.create_queue(QueueName=self.of(queue))["QueueUrl"] for queue in QUEUES}
        self._topic = self._sns.create_topic(Name=self.of("alerts"))["TopicArn"]
        told = self._sqs.get_queue_attributes(QueueUrl=self._queues["told"], AttributeNames=["QueueArn"])
        self._sqs.set_queue_attributes(QueueUrl=self._queues["told"], Attributes={"Policy": json.dumps(ANYBODY)})
        self._sns.subscribe(TopicArn=self._topic, Protocol="sqs", Endpoint=told["Attributes"]["QueueArn"])

    def of(self, name: str) -> str:
        """Return the name of a bucket, table or queue of this world."""
        return f"{self._name}-{name}"

    def settings(self) -> Mapping[str, str]:
        """Return what the functions are told about it."""
        return {
            **CREDENTIALS,
            **{f"{bucket.upper()}_BUCKET": self.of(bucket) for bucket in BUCKETS},
            **{f"{table.upper()}_TABLE": self.of(table) for table in TABLES},
            "AWS_ENDPOINT_URL": self._emulator,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "INGEST_QUEUE_URL": self._queues["ingest"],
            "FEATURES_QUEUE_URL": self._queues["features"],
            "ALERT_TOPIC_ARN": self._topic,
            "PREDICT_FUNCTION": "predict",
        }

    @property
    def registry(self) -> Registry:
        """The models that the functions serve."""
        return Registry(S3Store(self.s3, self.of("artifacts")))

    def upload(self, key: str, body: bytes) -> RawFile:
        """Put a raw file into its bucket."""
        answer = self.s3.put_object(Bucket=self.of("raw"), Key=key, Body=body)
        return RawFile(self.of("raw"), key, answer["ETag"].strip('"'), answer["VersionId"], len(body))

    def forget(self, files: Iterable[RawFile]) -> None:
        """Delete raw files and all good objects."""
        for file in files:
            self.s3.delete_object(Bucket=file.bucket, Key=file.key, VersionId=file.version_id)
        if keys := [{"Key": key} for key in self._good_keys()]:
            self.s3.delete_objects(Bucket=self.of("good"), Delete={"Objects": keys})

    def get(self, bucket: str, key: str | None) -> bytes | None:
        """Return an object's bytes, if there is one."""
        try:
            return S3Store(self.s3, self.of(bucket)).get(key or "none")
        except KeyError:
            return None

    def new_good_objects(self) -> Iterator[str]:
        """Yield the notifications of good objects that S3 has not sent yet."""
        for key in self._good_keys():
            if key not in self._notified:
                self._notified.add(key)
                yield good_file_message(GoodFile(self.of("good"), key)).decode()

    def receive(self, queue: str) -> Iterator[str]:
        """Take all messages out of a queue."""
        url = self._queues[queue]
        while found := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
            for message in found:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield message["Body"]

    def item(self, table: str, pk: str) -> Mapping[str, Any]:
        """Return an item's attributes without their types; nothing where there is no item."""
        found = self._dynamodb.get_item(TableName=self.of(table), Key={"pk": {"S": pk}}).get("Item", {})
        return {name: next(iter(value.values())) for name, value in found.items()}

    def _good_keys(self) -> Iterator[str]:
        yield from S3Store(self.s3, self.of("good")).keys("")

    def _client(self, service: str) -> Any:
        keys = {name.lower(): value for name, value in CREDENTIALS.items()}
        return boto3.client(service, endpoint_url=self._emulator, region_name=REGION, **keys)  # type: ignore[call-overload]
