"""Strict JSON: no NaN or Infinity, no number too large for a double, at most 1 024 levels; the last of a key counts."""

from typing import Any

import orjson

from tabserve.core.errors import MalformedBodyError


def loads(body: bytes) -> Any:  # noqa: ANN401  JSON can be anything
    """Parse strict JSON; raise MalformedBodyError saying what is wrong and where."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        raise MalformedBodyError(message) from error
