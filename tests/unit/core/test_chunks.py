from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabserve.core.chunks import chunks


@pytest.mark.parametrize(
    ("items", "cut"),
    [
        ([], []),
        (["aa", "bb", "cc"], [["aa", "bb"], ["cc"]]),  # five bytes a list
        (["a", "b", "c", "d"], [["a", "b", "c"], ["d"]]),  # three rows a list
        (["a", "too large", "b"], [["a"], ["too large"], ["b"]]),
        (["too large", "b", "c"], [["too large"], ["b", "c"]]),
    ],
)
def test_chunks_end_at_their_bytes_and_at_their_rows(items: list[str], cut: list[list[str]]) -> None:
    assert list(chunks(items, len, max_bytes=5, max_rows=3)) == cut


@given(st.lists(st.binary(max_size=9)), st.integers(1, 12), st.integers(1, 5))
def test_every_item_comes_once_in_its_order_and_no_two_chunks_fit_into_one(
    items: list[bytes], max_bytes: int, max_rows: int
) -> None:
    found = list(chunks(items, len, max_bytes, max_rows))

    assert [item for chunk in found for item in chunk] == items
    for chunk in found:
        assert len(chunk) == 1 or (len(chunk) <= max_rows and sum(map(len, chunk)) <= max_bytes)
    for chunk, following in pairwise(found):
        assert len(chunk) == max_rows or sum(map(len, chunk)) + len(following[0]) > max_bytes


def test_no_item_is_taken_before_it_is_needed() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    assert next(chunks(source(), lambda _: 1, max_bytes=10, max_rows=10)) == list(range(10))
    assert len(taken) == 11
