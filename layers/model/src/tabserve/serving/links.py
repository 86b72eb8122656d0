"""Signed links to the objects of a bucket."""

from collections.abc import Callable
from functools import cache
from typing import Any

FIVE_MINUTES = 300


class S3Links:
    """Links that work for five minutes; implements ObjectLinks. The client is made when the first one is."""

    def __init__(self, client_of: Callable[[], Any], bucket: str) -> None:
        self._client = cache(client_of)
        self._bucket = bucket

    def to_put(self, key: str, content_type: str, size: int) -> str:
        """Return a link that writes one object with one PUT request of this content type and so many bytes."""
        return self._signed("put_object", Key=key, ContentType=content_type, ContentLength=size)

    def to_get(self, key: str) -> str:
        return self._signed("get_object", Key=key)

    def _signed(self, operation: str, **parameters: str | int) -> str:
        chosen = {"Bucket": self._bucket, **parameters}
        return str(self._client().generate_presigned_url(operation, Params=chosen, ExpiresIn=FIVE_MINUTES))
