"""What the API takes for JSON, and what it says of what it does not take."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.predict.strict_json import loads
from tabserve.errors import MalformedBodyError

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
    assert loads(body) == value


@given(
    st.dictionaries(texts, values, min_size=1),
    values,
    st.sampled_from([":", " :", "\n:"]),
    st.sampled_from([":", " :", "\t:"]),
)
def test_a_key_twice_is_always_found(content: dict[str, object], again: object, first: str, second: str) -> None:
    key = next(iter(content))
    inner = json.dumps(content, separators=(",", first))
    body = f"[{inner[:-1]},{json.dumps(key)}{second}{json.dumps(again)}}}]".encode()
    with pytest.raises(MalformedBodyError, match="stands twice"):
        loads(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not JSON"),
        (b"{", "The body is not JSON"),
        (b'{"a": NaN}', "NaN is not JSON; write null"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "too large for a double"),
        (b'{"a":1,"a":2}', "The key 'a' stands twice"),
        (b'{"a" : 1, "b\\":": {}, "a":2}', "The key 'a' stands twice"),
        (b"[" * 100_000, "not JSON"),
        (b'"\xff"', "not JSON"),
        (b'"\\ud800"', "not JSON"),
    ],
)
def test_the_reason_is_told(body: bytes, message: str) -> None:
    with pytest.raises(MalformedBodyError, match=message.replace("\\", "\\\\")):
        loads(body)
