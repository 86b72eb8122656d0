"""Calls of AWS as botocore makes them, and the rights that AWS asks for each of them."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import FrameType
from typing import Any

from tests.rights.deployed import ACCOUNT, REGION, Right

# Operations whose action has another name; all others are called like their operation.
ACTIONS = {
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "ListObjectVersions"): "s3:ListBucketVersions",
    ("s3", "HeadObject"): "s3:GetObject",
    ("lambda", "Invoke"): "lambda:InvokeFunction",
    ("dynamodb", "TransactWriteItems"): "dynamodb:PutItem",  # by what its items do: these put
}
# What a policy writes of an object's name: in the bucket of artifacts its folder, in others nothing.
FOLDERS = re.compile(r"^(models|reports|answers)/")
MOVES = re.compile(r"^models/[^/]+/(aliases|moves)/")  # what a move writes; versions are written by no function


# Readers to whom an object that is not there and one that is forbidden are the same.
INDIFFERENT = {"ingestion.report"}


@dataclass
class Recorder:
    """Listens to a botocore session: which rights its calls and its signed links take, and whose calls they are."""

    rights: set[Right] = field(default_factory=set)
    made: set[tuple[str, str]] = field(default_factory=set)  # module, method of the client

    def __call__(self, params: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        callers = list(_callers())
        told = not context.get("is_presign_request") and INDIFFERENT.isdisjoint(callers)
        self.rights.update(rights(model.service_model.service_name, model.name, params, told=told))
        self.made.add((callers[0], re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model.name).lower()))


def rights(service: str, operation: str, params: Mapping[str, Any], *, told: bool) -> Iterator[Right]:
    """Yield what a call needs, a signed link of whoever signed it; `told` whether absent is told from forbidden."""
    action = ACTIONS.get((service, operation), f"{service}:{operation}")
    if action == "s3:GetObject" and "VersionId" in params:
        action = "s3:GetObjectVersion"
    for resource in _resources(service, params):
        yield Right(action, resource)
    if action.startswith("s3:GetObject") and told:
        # Without it S3 answers 403 for an object that is not there.
        yield Right("s3:ListBucket", f"arn:aws:s3:::{params['Bucket']}")


def _resources(service: str, params: Mapping[str, Any]) -> list[str]:
    if service == "s3":
        bucket, key = f"arn:aws:s3:::{params['Bucket']}", params.get("Key")
        if "Body" in params and (moved := MOVES.match(key or "")):
            return [f"{bucket}/models/*/{moved[1]}/*"]
        folder = FOLDERS.match(key or "")
        return [bucket if key is None else f"{bucket}/{folder[0] if folder else ''}*"]
    if service == "dynamodb":
        puts = {write["Put"]["TableName"] for write in params.get("TransactItems", ())}
        tables = puts or params.get("RequestItems") or [params["TableName"]]
        return [f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}" for table in tables]
    if service == "sqs":
        return [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{params['QueueUrl'].rpartition('/')[2]}"]
    if service == "lambda":
        return [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{params['FunctionName'].rpartition(':')[2]}"]
    return [params[{"sns": "TopicArn", "secretsmanager": "SecretId"}[service]]]


def _callers() -> Iterator[str]:
    """Yield the modules of tabserve that make the call, the one that holds the client first."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        parts = PurePath(frame.f_code.co_filename).with_suffix("").parts
        if "tabserve" in parts:
            yield ".".join(parts[parts.index("tabserve") + 1 :])
        frame = frame.f_back
