"""The validator against other ways to say the same: pydantic row by row, frictionless for structure, csv for both."""

import csv
import io
import math
import unicodedata
from collections import Counter
from typing import Annotated, Any

import pytest
from frictionless import Dialect, Resource, Schema
from frictionless.fields import AnyField
from frictionless.formats import CsvControl
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, TypeAdapter, ValidationError

from tabserve.core.features import CategoryFeature, Feature
from tests.unit.ingestion.conftest import HEADER, USE_CASE, Outcome, original, validate_bytes

WHITE = "".join(
    map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
)
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
COLUMNS = HEADER.split(",")
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
THOROUGH = settings(QUICK, max_examples=1_000)
ROWS_PER_EXAMPLE = 100


def _number(feature: Feature) -> Any:
    def check(text: str) -> str:
        assert set(text) <= set("0123456789+-.eE" if feature.type == "number" else "0123456789+-")
        value = float(text)
        assert math.isfinite(value)
        assert feature.minimum <= value <= feature.maximum  # type: ignore[union-attr]
        assert len(text) <= 1_000
        return text

    return Annotated[str, AfterValidator(check)]


def _category(feature: CategoryFeature) -> Any:
    def check(text: str) -> str:
        assert text in feature.texts
        return text

    return Annotated[str, AfterValidator(check)]


def _optional(kind: Any, required: bool) -> Any:
    def check(text: str) -> str:
        assert (text in ("", "NA")) is not required
        return text

    missing = Annotated[str, AfterValidator(check)]
    return kind if required else missing | kind


def _id(text: str) -> str:
    assert text not in ("", "NA")
    assert len(text) <= 200
    assert not any(unicodedata.category(character) == "Cc" or character == "\u2028" for character in text)
    assert text[0] not in WHITE
    assert text[-1] not in WHITE
    assert not set(text) & set(INVISIBLE)
    assert text[0] not in "=@"
    if text[0] in "+-" and len(text) > 1:
        assert text[1] in "0123456789." or text[1] in WHITE
        assert not set(text[1:]) & set("|!(")
    return text


ORACLE: dict[str, TypeAdapter[str]] = {
    "id": TypeAdapter(Annotated[str, AfterValidator(_id)]),
    **{
        feature.name: TypeAdapter(
            _optional(
                _category(feature) if isinstance(feature, CategoryFeature) else _number(feature), feature.required
            )
        )
        for feature in USE_CASE.features
    },
}

PLAUSIBLE = st.sampled_from(
    [
        "",
        "small",
        "large",
        "Small",
        "LARGE",
        " small",
        "small\u200b",
        "1",
        "2",
        "3",
        "NA",
        "na",
        " ",
        "7,25",
        "1,234",
        "-5",
        "5",
        "5.0",
        "+5",
        ".5",
        "5.",
        "1e3",
        "1e999",
        "-1e999",
        "nan",
        "inf",
        "0x1F",
        "1_0",
        "٢٥",
        "true",
        "=1+1",
        "-x",
        "@a",
        "e",
        "-",
        "1000",
        "1000.0000000000001",
        "1000.00000000001",
        "99",
        "100",
        "0",
        "-0",
        "-0.0",
        "-1e-320",
        "5e-324",
        "\u2028",
        "\x1c5",
    ]
)
NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.integers(-(10**4), 10**4).map(str),
    st.decimals(-10, 1010, allow_nan=False, places=3).map(str),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=8)
CELL = st.one_of(PLAUSIBLE, NUMBERS, TEXT)
ROWS = st.lists(st.lists(CELL, min_size=6, max_size=6), min_size=1, max_size=ROWS_PER_EXAMPLE)


def refused(column: str, cell: str) -> bool:
    try:
        ORACLE[column].validate_python(cell)
    except ValidationError:
        return True
    return False


def written(rows: list[list[str]], header: str = HEADER) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return f"{header}\n{stream.getvalue()}".encode()


def agrees_with_pydantic(rows: list[list[str]]) -> None:
    cells = [[f"{number}{row[0]}"[:9] if row[0].isalnum() else row[0], *row[1:], ""] for number, row in enumerate(rows)]
    outcome = validate_bytes(written(cells))
    found = {
        (row.row_number, reason.column)
        for row in outcome.bad
        for reason in row.reasons
        if reason.rule not in {"duplicated_id", "duplicated_row"}
    }
    expected = {
        (number, column)
        for number, row in enumerate(cells, 1)
        for column, cell in zip(COLUMNS[:-1], row, strict=False)
        if refused(column, cell)
    }
    assert found == expected


@QUICK
@given(ROWS)
def test_cells_are_refused_where_pydantic_refuses_them(rows: list[list[str]]) -> None:
    agrees_with_pydantic(rows)


@pytest.mark.proof
@pytest.mark.timeout(900)
@THOROUGH
@given(st.lists(st.lists(CELL, min_size=6, max_size=6), min_size=ROWS_PER_EXAMPLE, max_size=ROWS_PER_EXAMPLE))
def test_cells_of_a_hundred_thousand_rows_are_refused_where_pydantic_refuses_them(rows: list[list[str]]) -> None:
    agrees_with_pydantic(rows)


FIELD = st.text(st.sampled_from("abc1\", 'é;\t"), max_size=5)
# A cell over several lines is only read in a row of the right width, and not across a line that is a row by itself
# (which takes commas): in any other case it counts as an unclosed quote.
LONG_FIELD = st.text(st.sampled_from('ab\n" '), max_size=5)
RECORD = st.lists(FIELD, min_size=2, max_size=10) | st.lists(LONG_FIELD, min_size=6, max_size=6)
RECORDS = st.lists(RECORD, min_size=1, max_size=ROWS_PER_EXAMPLE)


def agrees_with_frictionless(records: list[list[str]]) -> None:
    numbered = [[str(number), *record] for number, record in enumerate(records, 1)]
    content = written(numbered)
    outcome = validate_bytes(content)
    found = {
        row.row_number: {"too_few_fields": "missing-cell", "too_many_fields": "extra-cell"}[reason.rule]
        for row in outcome.bad
        for reason in row.reasons
        if reason.column == ""
    }
    assert outcome.result.rows_total == len(records)
    assert found == frictionless_structure(content)


def frictionless_structure(content: bytes) -> dict[int, str]:
    dialect = Dialect(header_rows=[1], controls=[CsvControl(delimiter=",", quote_char='"', double_quote=True)])
    schema = Schema(fields=[AnyField(name=name) for name in COLUMNS])
    resource = Resource(content, format="csv", encoding="utf-8", dialect=dialect, schema=schema)
    checked = resource.validate(limit_errors=10**6)
    return {int(number) - 1: kind for number, kind in checked.flatten(["rowNumber", "type"])}


@QUICK
@given(RECORDS)
def test_rows_are_too_short_or_too_long_where_frictionless_says_so(records: list[list[str]]) -> None:
    agrees_with_frictionless(records)


@pytest.mark.proof
@pytest.mark.timeout(900)
@THOROUGH
@given(st.lists(RECORD, min_size=ROWS_PER_EXAMPLE, max_size=ROWS_PER_EXAMPLE))
def test_a_hundred_thousand_rows_have_the_structure_that_frictionless_sees(records: list[list[str]]) -> None:
    agrees_with_frictionless(records)


def conserves_every_line(content: bytes) -> Outcome:
    outcome = validate_bytes(content)
    lines = [line for line in content.split(b"\n")[1:] if line.strip()]
    kept = original(outcome.good_bytes).split(b"\n")[1:] + [
        line for row in outcome.bad for line in row.raw.encode(errors="surrogateescape").split(b"\n")
    ]
    assert Counter(line for line in kept if line.strip()) == Counter(lines)
    assert outcome.result.rows_total == outcome.result.rows_good + outcome.result.rows_bad
    return outcome


@QUICK
@given(
    st.lists(
        st.binary(max_size=12) | st.sampled_from([b"1,small,1,5,1,1,", b'2,small,1,5,1,1,"a', b'b"', b'"']), max_size=30
    )
)
def test_no_byte_of_any_line_is_lost(lines: list[bytes]) -> None:
    content = b"\n".join([HEADER.encode(), b"0,small,1,5,1,1,", *(line.replace(b"\r", b"") for line in lines)])
    assume(not content.startswith(b"\xef\xbb\xbf"))
    conserves_every_line(content)


NASTY = (
    f"""\ufeff{HEADER}\r
1,small,1,1,,3,\r
2,SMALL,1,1,,3,"a, b"
3,small,1,"7,25",,3,"one
two\r
three"

4,small,1,1,,3,"open
5,small,1,1,,3,
{HEADER}
1,small,1,1,,3,
6,small,1,1,,3,caf\u00e9\r7,small,1,1,,3,\u65e5\u672c
8,small,1
8,large,1,1,,3,"also open""".encode()
    + b"\n9,small,1,1,,3,\xff\xfe\n10,small,1,=1+1,,3,\0\n11,small"
)


def outcome_at(chunk: int) -> tuple[object, ...]:
    outcome = validate_bytes(NASTY, chunk=chunk)
    return outcome.good_bytes, outcome.bad_bytes, outcome.result.issues, outcome.result.statistics


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 17, 64, 65, 100, 200, len(NASTY) - 1, len(NASTY)])
def test_the_verdict_does_not_depend_on_how_the_file_is_cut(chunk: int) -> None:
    assert outcome_at(chunk) == outcome_at(2**20)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_the_verdict_is_the_same_at_every_chunk_size() -> None:
    expected = outcome_at(2**20)
    assert [chunk for chunk in range(1, len(NASTY) + 1) if outcome_at(chunk) != expected] == []
