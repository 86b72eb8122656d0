"""Functions as Lambda starts and calls them, on an AWS that moto emulates."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

REGION = "us-east-1"


def started(name: str, patch: pytest.MonkeyPatch, **settings: str) -> Any:
    """Return a function's module, its service built anew from these settings."""
    for setting, value in settings.items():
        patch.setenv(setting, value)
    module = import_module(f"functions.{name}.app")
    patch.setattr(module, "service", getattr(module, f"{name}_service")())
    return module


def messages(*bodies: str | bytes, receives: int = 1) -> dict[str, Any]:
    """Return the event of a queue with messages of these bodies, numbered from 1."""
    shared = {"eventSource": "aws:sqs", "attributes": {"ApproximateReceiveCount": str(receives)}}
    texts = [body if isinstance(body, str) else body.decode() for body in bodies]
    return {"Records": [shared | {"messageId": str(number), "body": text} for number, text in enumerate(texts, 1)]}


@contextmanager
def emulated(*, buckets: tuple[str, ...] = (), tables: tuple[str, ...] = ()) -> Iterator[Any]:
    """Emulate AWS with these buckets and tables of items by `pk`; yield a client of each service."""
    with mock_aws():
        make: Any = boto3.client
        aws = SimpleNamespace(**{name: make(name, region_name=REGION) for name in ("s3", "sqs", "sns", "dynamodb")})
        for bucket in buckets:
            aws.s3.create_bucket(Bucket=bucket)
        for table in tables:
            create_table(aws.dynamodb, table)
        yield aws


def create_table(dynamodb: Any, name: str) -> None:
    """Create a table of items by `pk`."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
