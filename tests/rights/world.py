"""The functions in one process on an emulated AWS, each told what the template tells it, and all their calls noted."""

import asyncio
import io
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from threading import Lock
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest

import migrate
import training
from tabserve.batch import score_file
from tabserve.core import service as common
from tabserve.core.clock import utc_now
from tabserve.core.events import raw_file_message
from tabserve.core.files import RawFile
from tabserve.core.s3 import S3Store
from tabserve.core.use_case import UseCase
from tabserve.features import service as fill_features
from tabserve.registry.store import Registry
from tabserve.serving.store import prediction_store
from tests.definitions import FOLDER
from tests.factories import batch, lambda_context
from tests.lambdas import messages, started
from tests.rights.calls import Recorder
from tests.rights.deployed import REGION, Deployed

Handler = Callable[..., Any]
KEY = "titanic/passengers.csv"
HEADER = "PassengerId,Pclass,Name,Sex,Age,Fare,Embarked"
PIECE = 10  # rows that the features function takes at a time
LONG_FILE = PIECE + 1


class World:
    """Everything that the template names, and the functions to be called there."""

    def __init__(self, deployed: Deployed, patch: pytest.MonkeyPatch, database_url: str) -> None:
        migrate.migrate(database_url)
        self.deployed = deployed
        self.recorders = {name: Recorder() for name in deployed.of_type("AWS::Serverless::Function")}
        self._one_at_a_time = Lock()
        self._patch = patch
        self._url = database_url
        patch.setattr(fill_features, "ROWS_PER_PIECE", PIECE)
        patch.setattr(score_file, "CHUNK", 1)
        patch.setenv("USE_CASES_DIR", str(FOLDER))
        client: Any = boto3.client
        self._clients = {name: client(name, region_name=REGION) for name in ("s3", "sqs", "sns", "dynamodb")}
        self._create()

    def _create(self) -> None:
        s3, deployed = self._clients["s3"], self.deployed
        for name in deployed.of_type("AWS::S3::Bucket"):
            s3.create_bucket(Bucket=deployed.name(name))
        versions = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=deployed.name("RawBucket"), VersioningConfiguration=versions)
        for name in deployed.of_type("AWS::SQS::Queue"):
            self._clients["sqs"].create_queue(QueueName=name)
        for name in deployed.of_type("AWS::SNS::Topic"):
            self._clients["sns"].create_topic(Name=name)
        for name, table in deployed.of_type("AWS::DynamoDB::Table").items():
            wanted = {each: table[each] for each in ("AttributeDefinitions", "KeySchema", "BillingMode")}
            self._clients["dynamodb"].create_table(TableName=name, **wanted)

    def promote(self, use_case: UseCase) -> str:
        """Train a champion of a use case into the bucket; return its version."""
        trained = training.train_use_case(use_case, training.labelled_data(use_case), self.registry(), promote=True)
        return trained.metadata.version

    def registry(self) -> Registry:
        """Return the registry in the bucket."""
        return Registry(S3Store(self._clients["s3"], self.deployed.name("ArtifactsBucket")))

    def call(
        self,
        function: str,
        event: object,
        *,
        later: timedelta = timedelta(),
        seconds: float | Callable[[], float] = 900,
        around: Callable[[Handler], Handler] = lambda handler: handler,
    ) -> Any:
        """Start a function as a cold start does, in its own environment, and return its answer to one event."""
        folder = self.deployed.of_type("AWS::Serverless::Function")[function]["Handler"].split(".")[1]
        with self._patch.context() as patch:
            session: Any = botocore.session.get_session()
            session.register("before-parameter-build", self.recorders[function])
            session.register("before-call.secrets-manager.GetSecretValue", self._secret)
            session.register("before-call.lambda.Invoke", lambda **call: self.invoked(**call))
            patch.setattr(common, "_session", lambda: session)
            module = started(folder, patch, **self.deployed.environment(function))
            if later:
                deps = replace(module.service.deps, clock=lambda: utc_now() + later)
                patch.setattr(module, "service", replace(module.service, deps=deps))
            if hasattr(module, "app"):
                module.app.state.service = module.service
            context = lambda_context(seconds)
            context.function_name = self.deployed.name(function)
            return around(module.handler)(event, context)

    def put(self, bucket: str, key: str, body: str) -> dict[str, Any]:
        """Write an object and return what S3 says about it."""
        written = self._clients["s3"].put_object(Bucket=self.deployed.name(bucket), Key=key, Body=body.encode())
        return dict(written)

    def event(self, bucket: str, key: str, written: Mapping[str, Any]) -> dict[str, Any]:
        """Return the event about an object as its queue delivers it."""
        file = RawFile(self.deployed.name(bucket), key, written["ETag"].strip('"'), written.get("VersionId"))
        return messages(raw_file_message(file))

    def objects(self, bucket: str) -> list[dict[str, Any]]:
        """Return what a bucket holds."""
        listed = self._clients["s3"].list_objects_v2(Bucket=self.deployed.name(bucket))
        return list(listed.get("Contents", ()))

    def predicted(self, version: str) -> None:
        """Store predictions of a model version."""
        prediction_store(self._url).add(batch(50, model_version=version, created_at=utc_now()))

    def invoked(self, **call: Any) -> tuple[Any, Mapping[str, Any]]:
        """Let the predict function answer the calls of the scheduler's threads; it waits for no other function."""
        if call["params"]["headers"].get("X-Amz-Invocation-Type") == "Event":
            return SimpleNamespace(status_code=202), {"StatusCode": 202}
        with self._one_at_a_time, closing(asyncio.new_event_loop()) as loop:
            asyncio.set_event_loop(loop)
            answer = self.call("PredictFunction", json.loads(call["params"]["body"]))
            asyncio.set_event_loop(None)
        return SimpleNamespace(status_code=200), {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}

    def _secret(self, **_: Any) -> tuple[Any, dict[str, str]]:
        return SimpleNamespace(status_code=200), {"SecretString": self._url}


def request(method: str, path: str, key: str, body: object = None) -> dict[str, Any]:
    """Return the event of one HTTP request."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"content-type": "application/json", "x-api-key": key},
        "queryStringParameters": None,
        "requestContext": {"requestId": "1", "stage": "v1", "identity": {"sourceIp": "203.0.113.7"}},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
