from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tabserve.monitoring.windows import PredictionRow, closed_windows

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(second: int) -> PredictionRow:
    return NOON + timedelta(seconds=second), "{}", "1", 0.5


@given(
    st.lists(st.integers(0, 20_000), max_size=120).map(sorted),
    st.integers(1, 20),
    st.integers(1, 50),
    st.integers(0, 30_000),
)
def test_windows_never_overlap_hold_every_row_once_and_do_not_depend_on_blocks(
    seconds: list[int], size: int, block: int, now: int
) -> None:
    rows = [row(second) for second in seconds if second < now]
    at = NOON + timedelta(seconds=now)
    blocks = [rows[start : start + block] for start in range(0, len(rows), block)]
    windows = list(closed_windows("v", blocks, size, HOUR, at))

    assert windows == list(closed_windows("v", [rows], size, HOUR, at))
    assert [each for window in windows for each in window.rows] == rows[: sum(len(w.rows) for w in windows)]
    for window in windows:
        assert window.span.start == window.rows[0][0]
        assert all(window.span.start <= each[0] < window.span.end for each in window.rows)
        assert len(window.rows) >= size or window.span.end == window.span.start + HOUR
    for earlier, later in pairwise(windows):
        assert earlier.span.end <= later.span.start
    left = rows[sum(len(window.rows) for window in windows) :]
    assert not left or (len(left) < size and at < left[0][0] + HOUR)


@given(st.lists(st.integers(0, 20_000), max_size=120).map(sorted), st.integers(1, 20), st.integers(0, 20_000))
def test_a_later_run_goes_on_where_an_earlier_one_ended(seconds: list[int], size: int, first: int) -> None:
    rows = [row(second) for second in seconds]
    early = NOON + timedelta(seconds=first)
    late = NOON + timedelta(seconds=40_000)
    before = list(closed_windows("v", [[each for each in rows if each[0] < early]], size, HOUR, early))
    until = before[-1].span.end if before else NOON
    after = list(closed_windows("v", [[each for each in rows if each[0] >= until]], size, HOUR, late))
    assert [w.span for w in before + after] == [w.span for w in closed_windows("v", [rows], size, HOUR, late)]
