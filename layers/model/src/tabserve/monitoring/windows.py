"""Windows: predictions of one model version in order of time, cut where there are enough or time is up."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

INSTANT = timedelta(microseconds=1)


# What monitoring reads of a stored prediction: its time, its features as JSON, the answer as text, and the probability
# of a class or the predicted number.
PredictionRow = tuple[datetime, str, str, float]


@dataclass(frozen=True, slots=True)
class Span:
    """One window of time of one model version; `end` is not included."""

    model_version: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A closed window and its predictions."""

    span: Span
    rows: Sequence[PredictionRow]


class Spans:
    """Windows that do not overlap, to be found by time."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._by_version: dict[str, list[Span]] = {}
        for span in sorted(spans, key=lambda each: each.start):
            self._by_version.setdefault(span.model_version, []).append(span)

    def containing(self, version: str, moment: datetime) -> Span | None:
        """Return the window of a version that holds a moment."""
        spans = self._by_version.get(version, [])
        index = bisect_right(spans, moment, key=lambda each: each.start) - 1
        return spans[index] if index >= 0 and moment < spans[index].end else None


def closed_windows(
    version: str, blocks: Iterable[Sequence[PredictionRow]], size: int, length: timedelta, now: datetime
) -> Iterator[Window]:
    """Cut rows, ordered by time, into windows of `size` rows or `length`; keep back a window that is still open.

    Predictions of one moment, a batch, stay together: a window may hold more than `size` rows, never overlap another.
    The same rows are always cut in the same way, so a repeated or overlapping run finds the same windows.
    """
    held: list[PredictionRow] = []
    for block in blocks:
        held += block
        while (rows := _rows_of_first(held, size, length)) < len(held):
            yield _window(version, held[:rows], size, length)
            del held[:rows]
    if len(held) >= size or (held and now >= held[0][0] + length):
        yield _window(version, held, size, length)


def _rows_of_first(held: Sequence[PredictionRow], size: int, length: timedelta) -> int:
    """Return how many rows the first window has; all of them if it may still grow."""
    if not held:
        return 0
    in_time = bisect_left(held, held[0][0] + length, key=itemgetter(0))
    enough = bisect_right(held, held[size - 1][0], key=itemgetter(0)) if len(held) >= size else len(held)
    return min(in_time, enough)


def _window(version: str, rows: Sequence[PredictionRow], size: int, length: timedelta) -> Window:
    """Close a window: a full one right after its last row, another when its time is up."""
    start = rows[0][0]
    return Window(Span(version, start, rows[-1][0] + INSTANT if len(rows) >= size else start + length), rows)
