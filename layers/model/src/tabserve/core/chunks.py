"""Cutting many items into pieces that a call can carry."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], size: Callable[[T], int], max_bytes: int, max_rows: int) -> Iterator[list[T]]:
    """Cut items into lists of at most `max_rows` whose sizes, in bytes, sum up to `max_bytes` at most.

    The order stays; items are taken from their source as the lists are asked for. An item that alone is larger than
    `max_bytes` comes as a list of its own.
    """
    chunk: list[T] = []
    total = 0
    for item in items:
        item_size = size(item)
        if chunk and (len(chunk) == max_rows or total + item_size > max_bytes):
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += item_size
    if chunk:
        yield chunk
