"""Files in every dialect: what is understood, and what is rejected with the remedy."""

import gzip
import io
from typing import Any

import pytest
from pydantic import ValidationError

from tabserve.core.errors import FileRejectedError
from tabserve.core.good_rows import GoodRows, Records
from tabserve.core.limits import FileFormat
from tabserve.core.use_case import UseCase
from tests.dialects import DIALECTS, Dialect
from tests.unit.ingestion.conftest import GOOD, HEADER, USE_CASE, Outcome, validate_bytes
from tests.unit.ingestion.test_files import ACCEPTED, CONTENT, REJECTED, ROW
from tests.unit.ingestion.test_rows import NUMBERS

OTHERS = {name: dialect for name, dialect in DIALECTS.items() if name != "comma"}
# What a file is rejected for in any dialect: the others are about bytes, or about another dialect.
ANY_DIALECT = {
    name: (content.decode(), rule)
    for name, (content, rule) in REJECTED.items()
    if rule not in {"utf16", "compressed", "not_text", "wrong_delimiter", "header_not_utf8"}
}


def use_case(**file_format: Any) -> UseCase:
    return USE_CASE.model_copy(update={"format": FileFormat(**file_format)})


def rejection(content: bytes, **file_format: Any) -> FileRejectedError:
    with pytest.raises(FileRejectedError) as caught:
        validate_bytes(content, use_case(**file_format))
    return caught.value


def validated(content: bytes, **file_format: Any) -> Outcome:
    return validate_bytes(content, use_case(**file_format))


@pytest.mark.parametrize("dialect", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize(("text", "rule"), ANY_DIALECT.values(), ids=list(ANY_DIALECT))
def test_a_file_is_rejected_for_the_same_reason_in_every_dialect(text: str, rule: str, dialect: Dialect) -> None:
    written = text.replace(",", dialect.format.delimiter)
    if not dialect.knows(written):
        pytest.skip(f"{dialect.format.encoding} has no such character")
    with pytest.raises(FileRejectedError) as caught:
        validate_bytes(dialect.encoded(written), dialect.of(USE_CASE))
    assert caught.value.rule == rule


@pytest.mark.parametrize("dialect", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize("content", ACCEPTED.values(), ids=list(ACCEPTED))
def test_a_file_of_another_shape_is_read_alike_in_every_dialect(content: bytes, dialect: Dialect) -> None:
    text = content.decode()
    if text.startswith("\ufeff") and not dialect.format.is_utf8 and not dialect.format.is_wide:
        pytest.skip("a byte order mark is rejected")
    written = text.replace(",", dialect.format.delimiter).replace(".", dialect.format.decimal)
    outcome = validate_bytes(dialect.encoded(written), dialect.of(USE_CASE))
    assert outcome.good == [dialect.line(HEADER), dialect.line(ROW, NUMBERS)]
    assert (outcome.reasons, outcome.warnings) == ({}, set())


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_good_rows_are_read_back_as_records(dialect: Dialect) -> None:
    row = GOOD.format(id="größer").replace("fine", '"a, ""b"""')
    lines = [dialect.line(line, NUMBERS) for line in (HEADER, row)]
    content = dialect.encoded("\n".join(lines))
    outcome = validate_bytes(content, dialect.of(USE_CASE))
    rows = GoodRows(io.BytesIO(outcome.good_bytes), dialect.format.delimiter)
    ((number, cells),) = rows
    record = Records(dialect.of(USE_CASE), rows.columns).read(cells)
    known = {"size": "small", "grade": 1, "price": 12.5, "weight": 0.5, "pieces": 3, "entity_id": "größer"}
    assert (number, record) == (1, known)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("wanted", [",", ";", "\t", "|"])
def test_another_delimiter_is_told_with_the_right_one(delimiter: str, wanted: str) -> None:
    content = CONTENT.replace(b",", delimiter.encode())
    if delimiter == wanted:
        assert validated(content, delimiter=wanted).reasons == {}
        return
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
    error = rejection(content, delimiter=wanted)
    what = f"The columns are separated by a {names[delimiter]}; use a {names[wanted]}"
    assert (error.rule, error.message) == (
        "wrong_delimiter",
        f"{what}, or give the use case's `format` the `delimiter`.",
    )


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=;\r"])
def test_a_first_line_for_spreadsheets_is_left_out(line: str) -> None:
    content = f"{line}\n".encode() + CONTENT.replace(b",", b";") + b"2;BIG;1;1;;3;\n"
    outcome = validated(content, delimiter=";")
    assert outcome.good[0] == HEADER.replace(",", ";")
    assert [(row.row_number, row.line_number) for row in outcome.bad] == [(2, 4)]
    assert rejection(content).rule == "wrong_delimiter"


def test_a_sign_that_is_delimiter_and_decimal_is_no_format() -> None:
    with pytest.raises(ValidationError, match="needs another delimiter than a comma"):
        FileFormat(decimal=",")


@pytest.mark.parametrize("encoding", ["idna", "punycode", "unicode_escape", "hex", "no such"])
def test_what_is_no_encoding_of_files_is_no_format(encoding: str) -> None:
    with pytest.raises(ValidationError, match="encoding"):
        FileFormat(encoding=encoding)


PACKED = gzip.compress(CONTENT, mtime=0)
GZIP = {
    "not compressed": (CONTENT, "not_gzip"),
    "no bytes": (b"", "empty_file"),
    "empty": (gzip.compress(b""), "empty_file"),
    "header only": (gzip.compress(HEADER.encode()), "header_only"),
    "cut in the middle": (PACKED[: len(PACKED) // 2], "damaged_gzip"),
    "cut in the check sum": (PACKED[:-3], "damaged_gzip"),
    "cut in the header": (PACKED[:5], "damaged_gzip"),
    "changed": (PACKED[:-6] + b"\0" + PACKED[-5:], "damaged_gzip"),
    "followed by something else": (PACKED + b"something", "damaged_gzip"),
    "compressed twice": (gzip.compress(PACKED), "compressed"),
    "an archive": (gzip.compress(b"PK\x03\x04 and more"), "compressed"),
    "UTF-16": (gzip.compress(CONTENT.decode().encode("utf-16")), "utf16"),
    "one line of 17 MB": (gzip.compress(f"{HEADER}\n".encode() + b"1" * (17 * 2**20)), "too_long_line"),
    "12 MB without a line end": (gzip.compress(b"1" * (12 * 2**20)), "too_long_header"),
}


@pytest.mark.parametrize(("content", "rule"), GZIP.values(), ids=list(GZIP))
def test_a_compressed_file_that_is_none_is_rejected_for_one_reason(content: bytes, rule: str) -> None:
    assert rejection(content, compression="gzip").rule == rule


def test_a_compressed_file_of_several_members_is_one_file() -> None:
    parts = [f"{HEADER}\n{ROW}\n2,sma".encode(), b"ll,1,1,,3,\n", b""]
    outcome = validated(b"".join(map(gzip.compress, parts)) + b"\0\0", compression="gzip")
    assert outcome.good == [HEADER, ROW, "2,small,1,1,,3,"]


def test_a_compressed_file_is_as_large_as_what_is_in_it() -> None:
    rows = b"".join(f"{GOOD.format(id=number)}\n".encode() for number in range(50_000))
    packed = gzip.compress(f"{HEADER}\n".encode() + rows)
    with pytest.raises(FileRejectedError) as caught:
        validate_bytes(packed, use_case(compression="gzip"), size=len(rows) // 2)
    assert (caught.value.rule, len(packed) < len(rows) // 4) == ("too_large", True)


ENCODINGS = {
    "UTF-8 with its mark for latin-1": (b"\xef\xbb\xbf" + CONTENT, "latin-1", "wrong_encoding"),
    "UTF-8 for UTF-16": (CONTENT, "utf-16", "wrong_encoding"),
    "UTF-16 for latin-1": (CONTENT.decode().encode("utf-16"), "latin-1", "utf16"),
    "UTF-16 for UTF-8": (CONTENT.decode().encode("utf-16"), "utf-8", "utf16"),
    "a header of unknown bytes": (CONTENT.replace(b"note", b"n\x81te"), "cp1252", "header_not_in_encoding"),
    "nothing": (b"", "utf-16", "empty_file"),
    "the mark alone": (b"\xff\xfe", "utf-16", "empty_file"),
}


@pytest.mark.parametrize(("content", "encoding", "rule"), ENCODINGS.values(), ids=list(ENCODINGS))
def test_another_encoding_is_rejected_with_the_remedy(content: bytes, encoding: str, rule: str) -> None:
    assert rejection(content, encoding=encoding).rule == rule


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-32", "cp037", "mac-roman", "utf-7"]
)
@pytest.mark.parametrize("chunk", [1, 3, 64, 2**20])
def test_any_encoding_is_understood_however_the_file_is_cut(encoding: str, chunk: int) -> None:
    row = GOOD.format(id="größer").replace("fine", "Ærø")
    content = f"{HEADER}\n{row}\n{row.upper()}\n".encode(encoding)
    outcome = validate_bytes(content, use_case(encoding=encoding), chunk=chunk)
    assert outcome.good == [HEADER, row]
    assert outcome.bad[0].raw == row.upper()


def test_ids_that_differ_in_other_encodings_only_are_the_same() -> None:
    rows = [GOOD.format(id="ü"), GOOD.format(id="ü")]
    outcome = validated("\n".join([HEADER, *rows]).encode("latin-1"), encoding="latin-1")
    assert outcome.reasons == {2: {("id", "duplicated_id"), ("", "duplicated_row")}}


def test_a_sign_of_half_a_pair_is_an_unknown_one() -> None:
    outcome = validated(f"{HEADER}\n".encode("utf-7") + b"1,small,1,1,,3,+2AA-\n", encoding="utf-7")
    assert outcome.reasons == {1: {("", "not_in_encoding")}}


FORMULAS = {
    ",": ['"+1,2|x"', "-1|x", '"-""x"', '"=a"'],
    ";": ["+a", "-1|x", '"+1;2!x"', '"-""x"', "@b"],
    "\t": ["=a", '"\tx"', "-1|x", '"+1\t2(x"'],
    "|": ["+a", '"-1|x"', "-1!x", '"=a|b"'],
}
HARMLESS = {
    ",": ["-", "+49 30", '"-,5"', "-1.5"],
    ";": ["-", "-,5", "-1,5"],
    "\t": ["-", "-,5", '"-\t1"'],
    "|": ["-", "-1", "-,5"],
}


@pytest.mark.parametrize(("delimiter", "cell"), [(d, cell) for d, cells in FORMULAS.items() for cell in cells])
def test_a_formula_in_an_unused_column_is_found_in_every_dialect(delimiter: str, cell: str) -> None:
    line = delimiter.join(["1", "small", "1", "1", "", "3", cell])
    outcome = validated(f"{HEADER.replace(',', delimiter)}\n{line}\n".encode(), delimiter=delimiter)
    assert outcome.reasons == {1: {("note", "formula_cell")}}


@pytest.mark.parametrize(("delimiter", "cell"), [(d, cell) for d, cells in HARMLESS.items() for cell in cells])
def test_what_only_looks_like_a_formula_is_none_in_every_dialect(delimiter: str, cell: str) -> None:
    line = delimiter.join(["1", "small", "1", "1", "-1" if delimiter != "," else "", "3", cell])
    outcome = validated(f"{HEADER.replace(',', delimiter)}\n{line}\n".encode(), delimiter=delimiter)
    assert outcome.reasons == {}


def test_white_space_around_cells_is_no_part_of_them_where_the_format_says_so() -> None:
    padded = USE_CASE.model_copy(update={"format": FileFormat(strip=True)})
    content = f"{HEADER.replace(',', ', ')}\n{GOOD.format(id=1).replace(',', ' , ')}\n"

    assert validate_bytes(content.encode(), USE_CASE).result.rows_bad == 1
    outcome = validate_bytes(content.encode(), padded)

    assert outcome.result.rows_bad == 0
    rows = GoodRows(io.BytesIO(outcome.good_bytes), ",")
    [(_, cells)] = rows
    assert Records(padded, rows.columns).read(cells)["size"] == "small"
