"""Every class of file: rejected with its reason, accepted as it is, or accepted with a warning."""

import bz2
import gzip
import io
import lzma
import zipfile
from typing import Any

import pytest

from tabserve.core.errors import FileRejectedError
from tabserve.core.good_rows import GoodRows
from tabserve.core.limits import FileFormat
from tabserve.ingestion.validator import validate_rows
from tabserve.ingestion.validator.lines import Limits, read_lines
from tests.unit.ingestion.conftest import GOOD, HEADER, USE_CASE, Validate, validate_bytes

ROW = GOOD.format(id=1)
CONTENT = f"{HEADER}\n{ROW}\n".encode()


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", content)
    return stream.getvalue()


REJECTED = {
    "empty": (b"", "empty_file"),
    "only a BOM": (b"\xef\xbb\xbf", "empty_file"),
    "blank lines only": (b"\n\n  \r\n", "blank_lines_only"),
    "header only": (HEADER.encode(), "header_only"),
    "header and blank lines": (f"{HEADER}\n\n\n".encode(), "header_only"),
    "missing column": (CONTENT.replace(b"price", b"cost"), "missing_column"),
    "missing id column": (CONTENT.replace(b"id,", b"key,", 1), "missing_column"),
    "no header": (f"{ROW}\n{ROW}\n".encode(), "missing_column"),
    "duplicated header name": (CONTENT.replace(b"note", b"price"), "duplicated_column"),
    "duplicated header name in another case": (CONTENT.replace(b"note", b" Price"), "duplicated_column"),
    "duplicated unknown name": (f"{HEADER},x,x\n{ROW},1,2\n".encode(), "duplicated_column"),
    "duplicated name behind a wide space": (
        CONTENT.replace(b"note", "\u3000price".encode()),
        "duplicated_column",
    ),
    "duplicated name with a soft hyphen": (CONTENT.replace(b"note", "pri\u00adce".encode()), "duplicated_column"),
    "unknown names that differ in case": (f"{HEADER},x,X\n{ROW},1,2\n".encode(), "duplicated_column"),
    "unknown names that differ in white space": (f"{HEADER},a b,a\u3000b \n{ROW},1,2\n".encode(), "duplicated_column"),
    "a long header that is not UTF-8": (f"{HEADER},{'x' * 80},Größe\n{ROW},,1\n".encode("latin-1"), "header_not_utf8"),
    "too many columns": (f"{HEADER}{',' * 2_000}\n{ROW}{',' * 2_000}\n".encode(), "too_many_columns"),
    "hundreds of thousands of columns": (f"{HEADER}{',x' * 200_000}\n".encode() + ROW.encode(), "too_many_columns"),
    "a header of a megabyte": (f"{HEADER},{'x,' * 2**19}\n{ROW}\n".encode(), "too_long_header"),
    "a column name over csv's limit": (f"{HEADER},{'x' * 200_000}\n{ROW},1\n".encode(), "unusable_column_name"),
    "a column name over the limit": (f"{HEADER},{'x' * 201}\n{ROW},1\n".encode(), "unusable_column_name"),
    "a null byte in a column name": (f"{HEADER},a\0b\n{ROW},1\n".encode(), "unusable_column_name"),
    "a null byte in two columns' names": (f"{HEADER},a\0b,a\0b\n{ROW},1,2\n".encode(), "unusable_column_name"),
    "semicolons": (CONTENT.replace(b",", b";"), "wrong_delimiter"),
    "tabs": (CONTENT.replace(b",", b"\t"), "wrong_delimiter"),
    "vertical bars": (CONTENT.replace(b",", b"|"), "wrong_delimiter"),
    "unclosed quote in the header": (CONTENT.replace(b"note", b'"note'), "malformed_header"),
    "UTF-16 with BOM": (CONTENT.decode().encode("utf-16"), "utf16"),
    "UTF-16 little endian": (CONTENT.decode().encode("utf-16-le"), "utf16"),
    "UTF-16 big endian": (CONTENT.decode().encode("utf-16-be"), "utf16"),
    "gzip": (gzip.compress(CONTENT), "compressed"),
    "zip": (zipped(CONTENT), "compressed"),
    "bzip2": (bz2.compress(CONTENT), "compressed"),
    "xz": (lzma.compress(CONTENT), "compressed"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "not_text"),
}

ACCEPTED = {
    "as it is": CONTENT,
    "BOM": b"\xef\xbb\xbf" + CONTENT,
    "CRLF": CONTENT.replace(b"\n", b"\r\n"),
    "lone CR": CONTENT.replace(b"\n", b"\r"),
    "mixed line ends": f"{HEADER}\r\n{ROW}\r\r\n\n".encode(),
    "blank lines inside": f"\n\n{HEADER}\n\n{ROW}\n   \n".encode(),
    "no line end at the end": CONTENT.rstrip(),
    "quoted header": CONTENT.replace(b"id,", b'"id",', 1),
}


@pytest.mark.parametrize(("content", "rule"), REJECTED.values(), ids=REJECTED)
def test_a_file_that_cannot_be_split_is_rejected_for_one_reason(content: bytes, rule: str) -> None:
    with pytest.raises(FileRejectedError) as caught:
        validate_bytes(content)
    assert caught.value.rule == rule


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_a_file_of_another_shape_is_read_alike(content: bytes) -> None:
    outcome = validate_bytes(content)
    assert outcome.good == [HEADER, ROW]
    assert (outcome.reasons, outcome.warnings) == ({}, set())


def test_reordered_columns_are_read_by_name(validated: Validate) -> None:
    header = "note,pieces,weight,price,grade,size,id"
    row = ",3,0.5,12.5,1,small,1"
    outcome = validated(row, ",3,0.5,12.5,1,BIG,2", header=header)
    assert outcome.good == [header, row]
    assert outcome.reasons == {2: {("size", "unknown_category")}}
    assert outcome.warnings == set()


def test_an_extra_column_is_a_warning(validated: Validate) -> None:
    outcome = validated(f"{ROW},1,2", header=f"{HEADER},colour,")
    assert outcome.good == [f"{HEADER},colour,", f"{ROW},1,2"]
    assert outcome.warnings == {("colour", "extra_column"), ("", "extra_column")}


def test_long_names_of_extra_columns_are_told_apart(validated: Validate) -> None:
    names = ["x" * 199 + "a", "x" * 199 + "b"]
    outcome = validated(f"{ROW},=1,=2", header=f"{HEADER},{','.join(names)}")
    assert outcome.warnings == {(name, "extra_column") for name in names}
    assert outcome.reasons == {1: {(name, "formula_cell") for name in names}}


def test_as_many_columns_as_may_be_are_read(validated: Validate) -> None:
    more = ",".join(f"c{number}" for number in range(2_000 - HEADER.count(",") - 1))
    row = ROW + "," * (more.count(",") + 1)
    assert validated(row, f"{row},", header=f"{HEADER},{more}").good == [f"{HEADER},{more}", row]


def test_the_target_may_be_there_and_is_not_judged(validated: Validate) -> None:
    outcome = validated(f"{ROW},whatever", header=f"{HEADER},returned")
    assert (outcome.reasons, outcome.warnings) == ({}, set())


def test_an_unused_column_may_be_absent(validated: Validate) -> None:
    header, row = HEADER.removesuffix(",note"), ROW.removesuffix(",fine")
    assert validated(row, header=header).good == [header, row]


def test_case_and_spaces_of_the_header_are_a_warning_and_set_right(validated: Validate) -> None:
    outcome = validated(ROW, header=HEADER.replace("size", " SIZE ").replace("price", "Price"))
    assert outcome.good == [HEADER, ROW]
    assert outcome.warnings == {(" SIZE ", "header_spelling"), ("Price", "header_spelling")}


@pytest.mark.parametrize("space", ["\u3000", "\u2009", "\u2028", "\x1f", "\u2066", "\u061c", "\u180e", "\u3000\u200b "])
def test_white_space_and_invisible_characters_of_the_header_are_set_right(space: str, validated: Validate) -> None:
    outcome = validated(ROW, header=HEADER.replace("price", f"{space}price{space}"))
    assert outcome.good == [HEADER, ROW]
    assert {rule for _, rule in outcome.warnings} == {"header_spelling"}


def test_a_good_object_numbers_its_rows_as_the_raw_file_does(validated: Validate) -> None:
    outcome = validated("", ROW, "2,BIG,1,1,,3,", "", '3,small,1,1,,3,"4,\n5,"', "6,small,1,1,,3,x", chunk=20)
    rows = GoodRows(io.BytesIO(outcome.good_bytes), ",")
    assert rows.columns == HEADER.split(",")
    assert [(number, cells[0], cells[-1]) for number, cells in rows] == [
        (1, "1", "fine"),
        (3, "3", "4,\n5,"),
        (4, "6", "x"),
    ]


def test_a_file_over_the_limit_is_rejected_without_being_read_to_its_end() -> None:
    stream = io.BytesIO(CONTENT + ROW.encode() * 10_000)
    with pytest.raises(FileRejectedError) as caught:
        validate_bytes(stream.getvalue(), chunk=1000, size=5000)
    assert caught.value.rule == "too_large"


def test_all_bad_leaves_no_good_row(validated: Validate) -> None:
    outcome = validated("1,BIG,1,1,,3,", "2,BIG,1,1,,3,")
    assert (outcome.result.rows_good, outcome.result.rows_bad) == (0, 2)
    assert outcome.good == [HEADER]


class Endless(io.RawIOBase):
    """A file that goes on with the same line for ever."""

    def __init__(self, start: bytes, line: bytes) -> None:
        self._next = start
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._next = self._next or self._line
        count = min(len(buffer), len(self._next))
        buffer[:count], self._next = self._next[:count], self._next[count:]
        return count


@pytest.mark.parametrize("line", [b'"\n', b"1,small\n", b'1,"small,1,1,,3,\n', b"x" * 100 + b"\n"])
def test_rows_that_cannot_be_read_by_the_header_end_the_reading(line: bytes) -> None:
    stream = io.BufferedReader(Endless(f"{HEADER}\n".encode(), line * 1000))
    with pytest.raises(FileRejectedError) as caught:
        validate_rows(stream, USE_CASE, io.BytesIO(), io.BytesIO())
    assert caught.value.rule == "unlike_its_header"


def test_so_many_bad_rows_end_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabserve.core.rules.MAX_BAD_ROWS", 3_000)
    good = "".join(f"{GOOD.format(id=number)}\n" for number in range(2_000))
    stream = io.BufferedReader(Endless(f"{HEADER}\n{good}".encode(), b'"\n' * 1000))
    with pytest.raises(FileRejectedError) as caught:
        validate_rows(stream, USE_CASE, io.BytesIO(), io.BytesIO())
    assert caught.value.rule == "too_many_bad_rows"


@pytest.mark.parametrize(("before", "behind"), [(999, 0), (999, 500), (0, 1_000), (0, 2_000)])
@pytest.mark.parametrize("chunk", [1_000, 2**20])
def test_a_file_with_a_row_that_can_be_read_has_all_its_rows_reported(before: int, behind: int, chunk: int) -> None:
    unreadable, readable = "1,small\n", "x,BIG,1,1,,3,\n"
    content = f"{HEADER}\n{unreadable * before}{readable * (behind > 0)}{unreadable * (behind - 1)}"
    outcome = validate_bytes(content.encode(), chunk=chunk)
    assert outcome.result.rows_bad == len(outcome.bad) == before + behind


def test_a_bad_file_whose_rows_can_be_read_has_them_reported(validated: Validate) -> None:
    outcome = validated(*(f"{number},BIG,9,x,y,z," for number in range(3_000)))
    assert (outcome.result.rows_total, len(outcome.bad)) == (3_000, 3_000)


def test_a_chunk_holds_a_bounded_number_of_lines_however_short_they_are() -> None:
    numbers = [n for n in range(25) if n % 7]
    content = b"a\n" * 4 + b"".join(b"\xff\n" if n % 7 else b"b\n" for n in range(25))
    pieces = list(read_lines(io.BytesIO(content + b"end"), Limits(lines=10), FileFormat()))
    assert [len(piece.text) for piece in pieces] == [10, 10, 9, 1]
    assert [piece.first_number for piece in pieces] == [1, 11, 21, 30]
    assert [number for piece in pieces for number in piece.undecodable] == [number + 5 for number in numbers]
    assert [piece.unterminated for piece in pieces] == [None, None, None, 30]
