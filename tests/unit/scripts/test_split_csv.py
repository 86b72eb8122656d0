"""A large CSV file in parts: each with the header, every record whole and once."""

import csv
from pathlib import Path

import pytest

import split_csv


@pytest.mark.parametrize("mib", [1, 2])
def test_the_parts_have_every_record_once_and_the_header_each(tmp_path: Path, mib: int) -> None:
    records = [[str(number), 'two\nlines, and a "quote"' if number % 3 else "x" * 40] for number in range(90_000)]
    whole = tmp_path / "a.csv"
    with whole.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([["id", "note"], *records])
    assert split_csv.main([str(whole), "--mib", str(mib)]) == 0
    found = []
    parts = sorted(tmp_path.glob("a-part-*.csv"), key=lambda path: int(path.stem.rpartition("-")[2]))
    for part in parts:
        with part.open(newline="") as stream:
            header, *rows = csv.reader(stream)
        assert header == ["id", "note"]
        found += rows
    assert found == records
    assert len(parts) > 1
    assert max(part.stat().st_size for part in parts) <= mib * 2**20 + 100


def test_an_open_quote_does_not_keep_the_rest_in_one_part(tmp_path: Path) -> None:
    whole = tmp_path / "a.csv"
    whole.write_bytes(b'id,note\n1,"open\n' + b"2,fine\n" * 400_000)
    assert split_csv.main([str(whole), "--mib", "1"]) == 0
    assert len(list(tmp_path.glob("a-part-*.csv"))) == 3


def test_parts_that_are_there_are_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = tmp_path / "a.csv"
    whole.write_text("id\n1\n")
    assert [split_csv.main([str(whole)]) for _ in range(2)] == [0, 2]
    assert "a-part-1.csv" in capsys.readouterr().err
