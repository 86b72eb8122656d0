"""What the API takes for JSON, and what it says of what it does not take."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.predict.request import json_object
from tabserve.core.errors import MalformedBodyError

finite = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(min_value=-(2**63), max_value=2**63)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | finite | integers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 2]), st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
def test_what_python_writes_is_read_back(value: object, indent: int | None, separators: tuple[str, str]) -> None:
    body = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False).encode()
    assert json_object(b'{"it":%b}' % body) == {"it": value}


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
