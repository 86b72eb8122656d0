"""What a page says of a file: its header beside the expected one, how far its predictions are, shares."""

import pytest

from ui import file_header
from ui.components import tables
from ui.progress import Progress

DEFINITION = {"id_column": "Id", "features": [{"name": "Sex"}, {"name": "Age"}], "target": {"name": "Died"}}


def test_headers_are_compared_by_name() -> None:
    compared = file_header.compare("\ufeffid,Gender, Age,Died,age\n1,2\n".encode(), DEFINITION)
    assert compared is not None
    assert (compared.missing, compared.unknown, compared.repeated) == (["Sex"], ["Gender"], ["Age", "age"])
    assert compared.delimiter == ","


def test_another_delimiter_is_found_out() -> None:
    compared = file_header.compare(b"\n\nId;Sex;Age\n", DEFINITION)
    assert compared is not None
    assert (compared.delimiter, compared.missing) == (";", [])


@pytest.mark.parametrize("start", [b"", b"\n \n", b"PK\x03\x04\x00\x01", b"\xff\xfeI\x00d\x00"])
def test_what_is_no_text_has_no_header(start: bytes) -> None:
    assert file_header.compare(start, DEFINITION) is None


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress(980_000, 845_000, 3_400.0), "845,000 of 980,000 predicted, about 40 s left"),
        (Progress(980_000, 100_000, 2_000.0), "100,000 of 980,000 predicted, about 7 min left"),
        (Progress(980_000, 845_000, 0.0), "845,000 of 980,000 predicted, the rest waits for the next run"),
        (Progress(9, 9, 1.0), "9 of 9 predicted, nearly done"),
        (Progress(980_000, 0, 0.0), "980,000 wait for the next run"),
    ],
)
def test_progress_is_said_with_the_time_left(progress: Progress, said: str) -> None:
    assert progress.text == said


def test_shares_are_written_alike_and_never_rounded_to_all_or_nothing() -> None:
    written = [tables.share(part, 10_000) for part in (0, 1, 2_470, 5_000, 9_999, 10_000)]
    assert written == ["0 %", "under 0.1 %", "24.7 %", "50 %", "over 99.9 %", "100 %"]
    assert tables.share(0, 0) == "–"
