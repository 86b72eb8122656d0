"""The embedded emulator asks who calls and with which rights, as AWS does."""

import pytest
from botocore.exceptions import ClientError

from tests.e2e.test_main_job import client

pytestmark = pytest.mark.timeout(200)


def test_a_caller_whom_nobody_knows_is_refused(stack: dict[str, str]) -> None:
    stranger = stack | {"AWS_ACCESS_KEY_ID": "AKIASTRANGER00000000", "AWS_SECRET_ACCESS_KEY": "secret"}
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client(stranger, "s3").list_objects_v2(Bucket=stack["RAW_BUCKET"])
