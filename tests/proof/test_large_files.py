"""Files of 12 MB that are nothing but trouble, and how the time of a row grows with the file."""

import io
import time
from pathlib import Path

import pytest

from benchmarks.large_files import judged
from tabserve.core.errors import FileRejectedError
from tabserve.ingestion.validator import validate_rows
from tests.unit.ingestion.conftest import GOOD, HEADER, USE_CASE

pytestmark = pytest.mark.proof

SIZE = 12_000_000
OPEN = '1,"small,1,12.5,0.5,3,fine\n'
ORDINARY = GOOD.format(id=7) + "\n"
KINDS = {
    "one open quote before ordinary lines": (OPEN, ORDINARY),
    "one open quote and one line": ('1,"small', "x,y "),
    "each line has an open quote": ("", OPEN),
    "every other line has an open quote": ("", OPEN + ORDINARY),
    "an open quote before fragments": (ORDINARY * 2_000, OPEN + "x\n" * 99),
    "nothing but quotes": (ORDINARY * 2_000, '"\n'),
    "quotes and long fragments": (ORDINARY * 2_000, '"' + "x," * 300 + "\n" + "y," * 300 + "\n"),
}


def verdict(content: bytes) -> str:
    try:
        validate_rows(io.BytesIO(content), USE_CASE, io.BytesIO(), io.BytesIO())
    except FileRejectedError as error:
        return error.rule
    return "done"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("start", "again"), KINDS.values(), ids=KINDS)
def test_12_mb_with_an_open_quote_have_their_verdict_within_10_s(start: str, again: str) -> None:
    content = f"{HEADER}\n{start}{again * (SIZE // len(again))}\n".encode()
    begun = time.process_time()
    assert verdict(content) in {"done", "unlike_its_header", "too_many_bad_rows", "too_long_line"}
    assert time.process_time() - begun < 10


@pytest.mark.timeout(600)
def test_a_row_takes_as_long_in_a_large_file_as_in_a_small_one(tmp_path: Path) -> None:
    found = []
    for rows in (1_000_000, 10_000_000):
        (folder := tmp_path / str(rows)).mkdir()
        found.append(judged(folder, 5, rows, None))
    small, large = (float(str(each["µs a row"])) for each in found)
    assert large / small < 1.35, found
    assert int(str(found[1]["peak MB"])) < 900, found
