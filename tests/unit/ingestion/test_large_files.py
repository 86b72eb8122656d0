"""What bounds the time and the memory of large files: each limit, and finding duplicates in linear time."""

import io
import random
from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest

from tabserve.core import rules
from tabserve.core.errors import FileRejectedError
from tabserve.ingestion.validator import duplicates, validate_rows
from tabserve.ingestion.validator.duplicates import Duplicates, SortedRuns
from tabserve.ingestion.validator.lines import Limits
from tests.unit.ingestion.conftest import GOOD, HEADER, USE_CASE, Validate

PIECE = Limits(lines=10)


def rejected(*lines: str, seconds_left: Iterator[float] | None = None) -> FileRejectedError:
    stream = io.BytesIO("".join(f"{line}\n" for line in (HEADER, *lines)).encode())
    left = seconds_left or iter([60.0] * 1_000)
    with pytest.raises(FileRejectedError) as caught:
        validate_rows(stream, USE_CASE, io.BytesIO(), io.BytesIO(), lambda: next(left), PIECE)
    return caught.value


def test_a_file_that_cannot_be_judged_in_time_is_rejected_with_the_way_out() -> None:
    error = rejected(*(GOOD.format(id=number) for number in range(100)), seconds_left=iter([5.0, 1.0, 0.0]))
    assert error.rule == "out_of_time"
    assert str(error.message) == f"Ingestion had time for the file as far as line 12 only; {rules.SPLIT_IT}."


def test_a_file_of_too_many_rows_is_rejected_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_ROWS", 50)
    error = rejected(*(GOOD.format(id=number) for number in range(60)))
    assert (error.rule, error.message) == ("too_many_rows", f"The file has more than 50 rows; {rules.SPLIT_IT}.")


def test_few_rows_with_very_many_reasons_end_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_FAILURE_CASES", 70)
    error = rejected(*(f"{number},BIG,9,x,y,z," for number in range(30)))
    said = "21 of the first 21 rows are bad, for 105 reasons; correct the file at its source and send it again."
    assert (error.rule, error.message) == ("too_many_bad_rows", said)


def test_bad_rows_with_more_reasons_than_a_bucket_takes_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_BAD_BYTES", 2_000)
    lines = (GOOD.format(id=n) if n % 3 else f"{n},BIG,1,1,,3," for n in range(100))
    assert rejected(*lines).rule == "too_many_bad_rows"


def test_wide_rows_are_not_gone_over_by_hand(validated: Validate, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_hand(text: str) -> None:
        raise AssertionError(text)

    monkeypatch.setattr("tabserve.ingestion.validator.chunk.split_record", by_hand)
    more = ",".join(f"c{number}" for number in range(1_000))
    assert len(validated(f"{GOOD.format(id=1)}{',12' * 1_000}", header=f"{HEADER},{more}").good) == 2


def pairs(rows: list[tuple[str, str]]) -> tuple[pl.Series, pl.Series]:
    return pl.Series([id_ for id_, _ in rows]), pl.Series([f"{id_},{rest}" for id_, rest in rows])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("large", [1, 16, 2**22])
def test_duplicates_are_those_that_a_set_of_texts_finds(seed: int, large: int) -> None:
    chance, found = random.Random(seed), Duplicates(large)
    ids: set[str] = set()
    whole: set[tuple[str, str]] = set()
    for _ in range(30):
        rows = [(str(chance.randint(0, 400)), chance.choice("ab")) for _ in range(chance.randint(1, 40))]
        expected = {}
        for place, row in enumerate(rows):
            if row[0] in ids:
                expected[place] = row in whole
            ids.add(row[0])
            whole.add(row)
        assert found.find(*pairs(rows)) == expected


def test_ids_of_the_same_hash_are_two_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_of = pl.Series.hash
    monkeypatch.setattr(
        pl.Series, "hash", lambda texts, seed=0: hash_of(texts, seed) if seed else (hash_of(texts) % 7).cast(pl.UInt64)
    )
    assert duplicates.CHECK_SEED
    found = Duplicates()
    assert found.find(*pairs([("a", "1"), ("b", "1"), ("c", "1")])) == {}
    assert found.find(*pairs([(str(number), "1") for number in range(50)])) == {}


def test_a_hash_is_moved_a_few_times_whatever_the_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: Counter[str] = Counter()
    merge = pl.DataFrame.merge_sorted

    def counted(run: pl.DataFrame, other: pl.DataFrame, key: str) -> pl.DataFrame:
        moved["rows"] += len(run) + len(other)
        return merge(run, other, key)

    monkeypatch.setattr(pl.DataFrame, "merge_sorted", counted)
    runs, frame = SortedRuns(large=512), pl.DataFrame({"key": range(8)})
    for _ in range(1_000):
        runs.add(frame)
    assert moved["rows"] / 8_000 <= 6
    assert len(runs._runs) <= 8_000 / 512 + 6
