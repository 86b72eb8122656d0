"""A large CSV file in parts: each with the header, every record whole and once."""

import csv
import gzip
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


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
@pytest.mark.parametrize("packed", [True, False])
def test_parts_are_written_as_the_file_is(tmp_path: Path, encoding: str, packed: bool) -> None:
    text = "id;größe\n" + "".join(f'{number};"two\nlines é"\n' for number in range(60_000))
    content = text.encode(encoding)
    whole = tmp_path / f"a.csv{'.gz' if packed else ''}"
    whole.write_bytes(gzip.compress(content) if packed else content)
    assert split_csv.main([str(whole), "--mib", "1"]) == 0
    parts = sorted(tmp_path.glob(f"a-part-?.csv{'.gz' if packed else ''}"))
    texts = [(gzip.decompress(p.read_bytes()) if packed else p.read_bytes()).decode(encoding) for p in parts]
    assert len(parts) > 1
    assert {part.partition("\n")[0] for part in texts} == {"id;größe"}
    assert "".join(part.partition("\n")[2] for part in texts) == text.partition("\n")[2]
