"""MiniStack, with one more rule of S3: who may not list a bucket is not told that an object is absent.

MiniStack's own interpreter runs this file, with nothing of tabserve on its path.
"""

from typing import Any

from ministack import app
from ministack.core.iam_evaluator import enforce
from ministack.core.router import extract_access_key_id, extract_region
from ministack.services import s3

Reply = tuple[int, dict[str, str], bytes]
answer = app.SERVICE_HANDLERS["s3"]


async def answer_as_s3(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Reply:
    """Answer 403 in place of 404 unless the caller may list the bucket."""
    reply: Reply = await answer(method, path, headers, body, query)
    bucket, _, key = path.lstrip("/").partition("/")
    if reply[0] != 404 or not key or _may_list(bucket, headers, query):
        return reply
    refusal: Reply = s3._error("AccessDenied", "Access Denied", 403, path)
    return refusal


def _may_list(bucket: str, headers: dict[str, str], query: dict[str, Any]) -> bool:
    caller, region = extract_access_key_id(headers, query), extract_region(headers, query)
    return enforce(caller, "s3:ListBucket", "s3", region, resource_arn=f"arn:aws:s3:::{bucket}") is None


app.SERVICE_HANDLERS["s3"] = answer_as_s3
app.main()
