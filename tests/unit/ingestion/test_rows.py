"""Every class of bad row, with its exact verdict: these rows are bad, with these reasons, and only these."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from tabserve.core.use_case import UseCase
from tabserve.ingestion.validator import validate_rows
from tests.dialects import DIALECTS, Dialect
from tests.unit.ingestion.conftest import GOOD, HEADER, USE_CASE, Outcome, Validate, validate_bytes

NUMBERS = (3, 4, 5)  # the places of columns of numbers
FIRST, LAST = GOOD.format(id="first"), GOOD.format(id="last")
W = ""

CELLS = [
    ("missing required category", "1,,1,12.5,,3,", {("size", "missing_value")}),
    ("missing required number", "1,small,1,NA,,3,", {("price", "missing_value")}),
    ("missing required integer", "1,small,1,1,,,", {("pieces", "missing_value")}),
    ("missing id", ",small,1,1,,3,", {("id", "missing_value")}),
    ("missing id, spelled out", "NA,small,1,1,,3,", {("id", "missing_value")}),
    ("quoted nothing", '1,"",1,1,,3,', {("size", "missing_value")}),
    ("unknown category", "1,medium,1,1,,3,", {("size", "unknown_category")}),
    ("unknown number category", "1,small,3,1,,3,", {("grade", "unknown_category")}),
    ("category with a fraction", "1,small,1.0,1,,3,", {("grade", "unknown_category")}),
    ("upper case", "1,SMALL,1,1,,3,", {("size", "case_variant")}),
    ("upper case in spaces", "1, Small,1,1,,3,", {("size", "case_variant"), ("size", "surrounding_space")}),
    ("leading space", "1, small,1,1,,3,", {("size", "surrounding_space")}),
    ("trailing tab", "1,small\t,1,1,,3,", {("size", "surrounding_space")}),
    ("no-break space", "1,small\u00a0,1,1,,3,", {("size", "surrounding_space")}),
    ("space around a number", "1,small,1, 5,,3,", {("price", "surrounding_space")}),
    ("space around text in a number", "1,small,1, x,,3,", {("price", "surrounding_space"), ("price", "not_a_number")}),
    ("space around an id", " 1,small,1,1,,3,", {("id", "surrounding_space")}),
    ("only spaces, required", "1,  ,1,1,,3,", {("size", "surrounding_space"), ("size", "missing_value")}),
    ("only spaces, optional", "1,small,1,1,  ,3,", {("weight", "surrounding_space")}),
    ("zero-width space", "1,sm\u200ball,1,1,,3,", {("size", "zero_width_character")}),
    ("BOM in a row", "\ufeff1,small,1,1,,3,", {("id", "zero_width_character")}),
    ("soft hyphen in a number", "1,small,1,1\u00ad2,,3,", {("price", "zero_width_character")}),
    ("text in a number", "1,small,1,abc,,3,", {("price", "not_a_number")}),
    ("sign alone", "1,small,1,-,,3,", {("price", "not_a_number")}),
    ("boolean in a number", "1,small,1,true,,3,", {("price", "not_a_number")}),
    ("currency", "1,small,1,$5,,3,", {("price", "not_a_number")}),
    ("per cent", "1,small,1,5%,,3,", {("price", "not_a_number")}),
    ("date", "1,small,1,2024-01-02,,3,", {("price", "not_a_number")}),
    ("null spelled out", "1,small,1,NULL,,3,", {("price", "not_a_number")}),
    ("decimal comma", '1,small,1,"7,25",,3,', {("price", "decimal_comma")}),
    ("decimal comma and points", '1,small,1,"1.234,5",,3,', {("price", "decimal_comma")}),
    ("thousands separator", '1,small,1,"1,234",,3,', {("price", "thousands_separator")}),
    ("thousands in spaces", "1,small,1,1 234,,3,", {("price", "thousands_separator")}),
    ("thousands in apostrophes", "1,small,1,1'234.5,,3,", {("price", "thousands_separator")}),
    ("Arabic digits", "1,small,1,٢٥,,3,", {("price", "non_ascii_digits")}),
    ("full-width digits", "1,small,1,\uff12\uff15,,3,", {("price", "non_ascii_digits")}),
    ("underscore", "1,small,1,1_0,,3,", {("price", "underscore_or_hex")}),
    ("hexadecimal", "1,small,1,0x1F,,3,", {("price", "underscore_or_hex")}),
    ("nan", "1,small,1,nan,,3,", {("price", "nan_or_inf_text")}),
    ("inf in an optional number", "1,small,1,1,-Infinity,3,", {("weight", "nan_or_inf_text")}),
    ("overflow", "1,small,1,1e999,,3,", {("price", "overflow")}),
    ("negative", "1,small,1,-0.01,,3,", {("price", "below_minimum")}),
    ("above the maximum", "1,small,1,1000.01,,3,", {("price", "above_maximum")}),
    ("optional and out of range", "1,small,1,1,-5.1,3,", {("weight", "below_minimum")}),
    ("fraction in an integer", "1,small,1,1,,2.5,", {("pieces", "not_an_integer")}),
    ("fraction of nothing in an integer", "1,small,1,1,,3.0,", {("pieces", "not_an_integer")}),
    ("boolean in an integer", "1,small,1,1,,TRUE,", {("pieces", "not_an_integer")}),
    ("text in an integer", "1,small,1,1,,x,", {("pieces", "not_a_number")}),
    ("integer out of range", "1,small,1,1,,100,", {("pieces", "above_maximum")}),
    ("fraction out of range", "1,small,1,1,,0.5,", {("pieces", "not_an_integer"), ("pieces", "below_minimum")}),
    ("formula in a category", "1,=1+1,1,1,,3,", {("size", "formula_cell")}),
    ("formula in a number", "1,small,1,=2*3,,3,", {("price", "formula_cell")}),
    ("formula behind a sign", "1,small,1,-2+3+cmd|' /C calc'!A0,,3,", {("price", "formula_cell")}),
    ("formula in an id", "@SUM(A1),small,1,1,,3,", {("id", "formula_cell")}),
    ("formula in an unused column", '1,small,1,1,,3,"=HYPERLINK(""http://x"")"', {("note", "formula_cell")}),
    ("formula behind a plus in an unused column", "1,small,1,1,,3,+cmd|x", {("note", "formula_cell")}),
    ("absurdly long category", f"1,{'s' * 1001},1,1,,3,", {("size", "too_long_cell")}),
    ("absurdly long number", f"1,small,1,0.{'0' * 1000}1,,3,", {("price", "too_long_cell")}),
    ("absurdly long id", f"{'1' * 1001},small,1,1,,3,", {("id", "too_long_cell")}),
    ("id over 200 characters", f"{'ü' * 201},small,1,1,,3,", {("id", "not_an_id")}),
    ("control character in an id", "1\x072,small,1,1,,3,", {("id", "not_an_id")}),
    ("C1 control character in an id", "1\x9b2,small,1,1,,3,", {("id", "not_an_id")}),
    ("tab in an id", "1\t2,small,1,1,,3,", {("id", "not_an_id")}),
    ("line end in an id", '"1\n2",small,1,1,,3,', {("id", "not_an_id")}),
    ("null byte in an id", "1\x002,small,1,1,,3,", {("id", "not_an_id"), ("id", "null_byte")}),
    ("absurdly long unused cell", f"1,small,1,1,,3,{'n' * 32_768}", {("note", "too_long_cell")}),
    ("null byte in an unused cell", "1,small,1,1,,3,a\0b", {("note", "null_byte")}),
    ("null byte in a category", "1,sm\0all,1,1,,3,", {("size", "null_byte"), ("size", "unknown_category")}),
    (
        "several at once",
        '1,SMALL,9,"7,25",x,,',
        {
            ("size", "case_variant"),
            ("grade", "unknown_category"),
            ("price", "decimal_comma"),
            ("weight", "not_a_number"),
            ("pieces", "missing_value"),
        },
    ),
    ("too few fields", "1,small,1,1,,3", {(W, "too_few_fields")}),
    ("one field", "word", {(W, "too_few_fields")}),
    ("too many fields", "1,small,1,1,,3,a,b", {(W, "too_many_fields")}),
    ("decimal comma without quotes", "1,small,1,7,25,,3,", {(W, "too_many_fields")}),
    ("unclosed quote", '1,small,1,1,,3,"note', {(W, "unclosed_quote")}),
    ("unclosed quote early", '1,"small,1,1,,3,note', {(W, "unclosed_quote")}),
    ("unclosed behind an escaped quote", '1,small,1,1,,3,"note""', {(W, "unclosed_quote")}),
    ("stray quote inside", '1,small,1,1,,3,a "b" c', {(W, "stray_quote")}),
    ("stray quote behind the closing one", '1,small,1,1,,3,"a"b', {(W, "stray_quote")}),
    ("space before the quote", '1,small,1,1,,3, "a"', {(W, "stray_quote")}),
    ("repeated header", HEADER, {(W, "repeated_header")}),
    ("repeated header in another case", HEADER.upper(), {(W, "repeated_header")}),
    ("duplicated id", FIRST.replace("12.5", "13"), {("id", "duplicated_id")}),
    ("duplicated row", FIRST, {("id", "duplicated_id"), (W, "duplicated_row")}),
]

GOOD_ROWS = {
    "everything optional missing": "1,large,,0,NA,1,",
    "borders": "1,large,2,1000,-5,99,",
    "exponent": "1,large,2,1e2,-.5,+7,",
    "point at the end": "1,large,2,5.,5,1,",
    "leading zeros": "1,large,2,007,5,007,",
    "quoted cells": '"1","large","2","5","5","1","say ""hi"", please"',
    "a line end in a quoted cell": '1,large,2,5,5,1,"one\ntwo, three"',
    "an id of words": "ünïcode id 7/3,large,2,5,5,1,",
    "an id of 200 characters": f"{'ü' * 200},large,2,5,5,1,",
    "a negative id": "-7,large,2,5,5,1,",
    "a hyphen in an unused cell": "1,large,2,5,5,1,-",
    "a telephone number in an unused cell": "1,large,2,5,5,1,+49 30 123",
    "white space in an unused cell": "1,large,2,5,5,1, x ",
    "a long unused cell": f"1,large,2,5,5,1,{'n' * 32_767}",
    "a replacement character": "1,large,2,5,5,1,\ufffd",
}


@pytest.fixture(params=DIALECTS.values(), ids=list(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def written(dialect: Dialect) -> Callable[..., list[str]]:
    """Write lines in the dialect; a test of lines that its encoding does not know ends."""

    def written(*lines: str) -> list[str]:
        found = [dialect.line(line, NUMBERS) for line in lines]
        if not all(map(dialect.knows, found)):
            pytest.skip(f"{dialect.format.encoding} has no such character")
        return found

    return written


@pytest.fixture
def validated(dialect: Dialect, written: Callable[..., list[str]]) -> Validate:
    """Validate lines, written in the dialect, below the usual header."""

    def validated(*lines: str, header: str = HEADER, end: str = "\n", **options: Any) -> Outcome:
        content = dialect.encoded("\n".join(written(header, *lines)) + end)
        return validate_bytes(content, dialect.of(USE_CASE), **options)

    return validated


Written = Callable[..., list[str]]


@pytest.mark.parametrize(("line", "reasons"), [case[1:] for case in CELLS], ids=[case[0] for case in CELLS])
def test_a_bad_row_is_bad_for_exactly_these_reasons(
    line: str, reasons: set[tuple[str, str]], validated: Validate, dialect: Dialect, written: Written
) -> None:
    outcome = validated(FIRST, line, LAST)
    reasons = {(column, dialect.rule(rule)) for column, rule in reasons}
    assert outcome.reasons == {2: reasons}
    assert outcome.good == written(HEADER, FIRST, LAST)
    [bad] = outcome.bad
    assert (bad.line_number, bad.raw) == (3, *written(line))
    assert (outcome.result.rows_total, outcome.result.rows_good, outcome.result.rows_bad) == (3, 2, 1)
    assert {(issue.column, issue.rule) for issue in outcome.result.issues} == reasons


def test_whole_numbers_are_judged_as_far_as_floats_hold_them() -> None:
    features = [{"name": "count", "type": "integer", "minimum": -(2**53), "maximum": 2**53}]
    use_case = UseCase.model_validate(USE_CASE.model_dump() | {"features": features})
    lines = ["id,count", f"1,{2**53 - 1}", f"2,{2**53 + 1}", f"3,{1 - 2**53}", f"4,{-(2**53) - 1}"]
    outcome = validate_bytes("\n".join(lines).encode(), use_case)
    assert outcome.reasons == {2: {("count", "overflow")}, 4: {("count", "overflow")}}


def test_statistics_of_numbers_at_the_end_of_their_range_leave_out_what_no_float_holds() -> None:
    features = [{"name": "x", "type": "number", "minimum": -1.7e308, "maximum": 1.7e308}]
    use_case = UseCase.model_validate(USE_CASE.model_dump() | {"features": features})
    outcome = validate_bytes(b"id,x\n1,1.6e308\n2,1.6e308\n3,-1.6e308\n4,1.6e308\n5,-1.6e308\n6,1.6e308\n", use_case)
    (column,) = outcome.result.statistics
    assert (column.minimum, column.mean, column.maximum, column.quantiles) == (-1.6e308, None, 1.6e308, ())


@pytest.mark.parametrize("line", GOOD_ROWS.values(), ids=GOOD_ROWS)
def test_a_good_row_is_good(line: str, validated: Validate, written: Written) -> None:
    outcome = validated(FIRST, line, LAST)
    assert outcome.reasons == {}
    assert outcome.good == "\n".join(written(HEADER, FIRST, line, LAST)).split("\n")


def test_bytes_that_are_not_utf8_are_kept() -> None:
    content = f"{HEADER}\n{FIRST}\n1,small,1,1,,3,caf\n".encode().replace(b"caf", b"caf\xe9") + LAST.encode() + b"\n"
    outcome = validate_bytes(content)
    assert outcome.reasons == {2: {(W, "not_utf8")}}
    assert b'"1,small,1,1,,3,caf\xe9"' in outcome.bad_bytes
    assert outcome.good == [HEADER, FIRST, LAST]


def test_a_broken_cell_beside_bytes_that_are_not_utf8_is_named_too() -> None:
    outcome = validate_bytes(HEADER.encode() + b"\n1,SMALL,1,1,,3,\xff\n")
    assert outcome.reasons == {1: {(W, "not_utf8"), ("size", "case_variant")}}


UNKNOWN = {"utf-8": b"\xe9", "cp1252": b"\x81", "utf-16": b"\x00\xdc", "utf-16-le": b"\x00\xdc"}


@pytest.mark.parametrize("chunk", [1, 2, 5, 2**20])
def test_bytes_that_the_encoding_does_not_know_make_their_row_bad(
    dialect: Dialect, written: Written, chunk: int
) -> None:
    if dialect.format.encoding not in UNKNOWN:
        pytest.skip("it knows every byte")
    header, first, line, last = written(HEADER, FIRST, "1,SMALL,1,1,,3,caf", LAST)
    content = f"{header}\n{first}\n{line}@@\n{last}\n".encode(dialect.format.encoding)
    signs = "@@".encode(dialect.format.encoding.replace("utf-16", "utf-16-le").replace("-le-le", "-le"))
    content = dialect.packed(content.replace(signs, UNKNOWN[dialect.format.encoding]))
    outcome = validate_bytes(content, dialect.of(USE_CASE), chunk=chunk)
    assert outcome.reasons == {2: {(W, dialect.rule("not_utf8")), ("size", "case_variant")}}
    assert outcome.good == [header, first, last]


def test_a_truncated_last_line_is_named(validated: Validate) -> None:
    outcome = validated(FIRST, "2,small,1,1", end="")
    assert outcome.reasons == {2: {(W, "truncated_line"), (W, "too_few_fields")}}


def test_a_last_line_without_end_is_as_good_as_any(validated: Validate, written: Written) -> None:
    outcome = validated(FIRST, end="")
    assert outcome.reasons == {}
    assert outcome.good == written(HEADER, FIRST)


def test_an_unclosed_quote_does_not_swallow_the_rows_behind_it(validated: Validate) -> None:
    outcome = validated(FIRST, '1,"small,1,1,,3,', '2,small,1,1,,3,"quoted, note"', "3,BIG,1,1,,3,", LAST)
    assert outcome.reasons == {2: {(W, "unclosed_quote")}, 4: {("size", "unknown_category")}}
    assert [row.line_number for row in outcome.bad] == [3, 5]


def test_rows_are_counted_without_blank_lines_and_lines_with_them(validated: Validate) -> None:
    outcome = validated("", FIRST, "   ", "1,BIG,1,1,,3,", "", LAST)
    assert [(row.row_number, row.line_number) for row in outcome.bad] == [(2, 5)]
    assert outcome.result.rows_total == 3


def test_a_record_over_several_lines_counts_once(validated: Validate, written: Written) -> None:
    outcome = validated('1,small,1,1,,3,"a\n\nb"', '2,BIG,1,1,,3,"c\nd"', LAST)
    assert [(row.row_number, row.line_number, row.raw) for row in outcome.bad] == [
        (2, 5, *written('2,BIG,1,1,,3,"c\nd"'))
    ]
    assert outcome.result.rows_total == 3


def test_the_first_of_equal_ids_is_good_even_far_apart(validated: Validate) -> None:
    lines = [GOOD.format(id=number % 40) for number in range(100)]
    outcome = validated(*lines, chunk=64)
    assert set(outcome.reasons) == set(range(41, 101))


def test_a_row_that_begins_like_a_compressed_file_is_a_row() -> None:
    content = f"{HEADER}\n{FIRST}\n".encode() + b"\x1f\x8b\x08\x00,small,1,1,,3,\n" + LAST.encode() + b"\n"
    for chunk in range(1, len(content)):
        outcome = validate_bytes(content, chunk=chunk)
        assert outcome.reasons == {2: {(W, "not_utf8"), ("id", "null_byte"), ("id", "not_an_id")}}


def test_without_an_id_column_rows_may_repeat_and_are_known_by_their_place() -> None:
    without = USE_CASE.model_copy(update={"id_column": None})
    row = GOOD.format(id="same")

    result = validate_rows(
        io.BytesIO(f"{HEADER}\n{row}\n{row}\n{HEADER}\n".encode()), without, io.BytesIO(), io.BytesIO()
    )

    assert (result.rows_total, result.rows_good) == (3, 2)
    assert [issue.rule for issue in result.issues if issue.rows] == ["repeated_header"]
