"""The embedded emulator asks who calls and with which rights, as AWS does."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from stack_env import client

pytestmark = [pytest.mark.timeout(200), pytest.mark.usefixtures("guarded")]


def refusal(caller: dict[str, str], bucket: str) -> str:
    """The code of the error when an object that is not there is read."""
    with pytest.raises(ClientError) as raised:
        client(caller, "s3").get_object(Bucket=bucket, Key="absent")
    return str(raised.value.response["Error"]["Code"])


def test_a_caller_whom_nobody_knows_is_refused(stack: dict[str, str]) -> None:
    stranger = stack | {"AWS_ACCESS_KEY_ID": "AKIASTRANGER00000000", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert refusal(stranger, stack["RAW_BUCKET"]) == "InvalidAccessKeyId"


def test_who_may_not_list_a_bucket_is_not_told_that_an_object_is_absent(stack: dict[str, str]) -> None:
    bucket, iam, name = stack["RAW_BUCKET"], client(stack, "iam"), f"reader-{time.time_ns()}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    reader = stack | {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::{bucket}/*"}
    seen = []
    for more in ({}, {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [f"arn:aws:s3:::{bucket}*"]}):
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement | more]})
        iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=policy)
        seen.append(refusal(reader, bucket))
    assert seen == ["AccessDenied", "NoSuchKey"]
