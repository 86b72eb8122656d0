"""Windows: predictions of one model version in order of time, cut where there are enough or time is up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

INSTANT = timedelta(microseconds=1)


class PredictionRow(NamedTuple):
    """What monitoring reads of a stored prediction; `features` is JSON."""

    created_at: datetime
    features: str
    prediction: str
    probability: float


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


def closed_windows(
    version: str, rows: Iterable[PredictionRow], size: int, length: timedelta, now: datetime
) -> Iterator[Window]:
    """Cut rows, ordered by time, into windows of `size` rows or `length`; keep back a window that is still open.

    Predictions of one moment, a batch, stay together: a window may hold more than `size` rows, never overlap another.
    The same rows are always cut in the same way, so a repeated or overlapping run finds the same windows.
    """
    held: list[PredictionRow] = []
    for row in rows:
        if held and row.created_at >= held[0].created_at + length:
            yield _closed(version, held, held[0].created_at + length)
            held = []
        elif len(held) >= size and row.created_at > held[-1].created_at:
            yield _closed(version, held, held[-1].created_at + INSTANT)
            held = []
        held.append(row)
    if held and now >= held[0].created_at + length:
        yield _closed(version, held, held[0].created_at + length)
    elif len(held) >= size:
        yield _closed(version, held, held[-1].created_at + INSTANT)


def _closed(version: str, rows: Sequence[PredictionRow], end: datetime) -> Window:
    return Window(Span(version, rows[0].created_at, end), rows)
