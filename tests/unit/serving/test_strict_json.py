"""What the API takes for JSON, and what it says of what it does not take."""

import pytest

from functions.predict.request import json_object
from tabserve.core.errors import MalformedBodyError


def test_of_a_doubled_key_the_last_counts() -> None:
    assert json_object(b'{"a" : 1, "b\\":": {}, "a":2}') == {"a": 2, 'b":': {}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not JSON"),
        (b"{", "The body is not JSON"),
        (b'{"a": NaN}', r"The body is not JSON.* \(line 1, column 7\)"),
        (b'{"a": -Infinity}', "not JSON"),
        (b'{"a": 1e999}', "infinity"),
        (b"9" * 5_000, "infinity"),
        (b"[" * 1_025 + b"]" * 1_025, "depth limit"),
        (b"[" * 100_000, "depth limit"),
        (b'{"a":' * 100_000, "depth limit"),
        (b'"\xff"', "not JSON"),
        (b'"\\ud800"', "not JSON"),
    ],
)
def test_the_reason_is_told(body: bytes, message: str) -> None:
    with pytest.raises(MalformedBodyError, match=message):
        json_object(body)
