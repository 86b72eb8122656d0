"""Rows of a good file as what the feature store keeps."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabserve.core.csv_files import CsvRows
from tabserve.core.entities import Entity
from tabserve.core.errors import FileRejectedError
from tabserve.core.use_case import UseCase
from tabserve.features.rows import NOT_A_ROW, NOT_A_TIME, FeatureRows, event_time, latest
from tests.factories import NOON
from tests.unit.ingestion.conftest import USE_CASE

HEADER = ["note", "id", "size", "grade", "price", "weight", "pieces", "returned", "seen"]
TIMED = UseCase.model_validate(USE_CASE.model_dump() | {"event_time_column": "seen"})
NOW = NOON + timedelta(hours=1)


def cells(id_: str = "7", seen: str = "", **changes: str) -> list[str]:
    row = {"note": "n", "id": id_, "size": "small", "grade": "2", "price": "12.5", "weight": "NA", "pieces": "3"}
    return list((row | {"returned": "yes", "seen": seen} | changes).values())


def reader(use_case: UseCase = USE_CASE, header: Sequence[str] = HEADER) -> FeatureRows:
    return FeatureRows(use_case, header, NOON, NOW)


def test_a_row_becomes_its_declared_columns_typed_as_the_api_takes_them() -> None:
    (entity,) = reader().read([(1, cells())]).entities
    assert entity == Entity("7", {"size": "small", "grade": 2, "price": 12.5, "weight": None, "pieces": 3}, NOON)
    assert [type(value) for value in entity.features.values()] == [str, int, float, type(None), int]


@pytest.mark.parametrize(
    "changes",
    [
        {"id_": ""},
        {"id_": "NA"},
        {"id_": "x" * 201},
        {"id_": "a\0b"},
        {"id_": "\udcff"},
        {"size": "SMALL"},
        {"size": "\udcff"},
        {"price": "NaN"},
        {"price": "inf"},
        {"price": "1e999"},
        {"price": "-1"},
        {"price": "=1+1"},
        {"price": "1_0"},
        {"price": " 10"},
        {"pieces": "1_0"},
        {"pieces": "\u0662"},
        {"pieces": "2.5"},
        {"pieces": "9" * 5000},
        {"weight": "heavy"},
    ],
)
def test_a_hostile_row_is_refused_and_the_others_are_not(changes: dict[str, str]) -> None:
    known = reader().read([(4, cells("1")), (5, cells(**changes)), (6, cells("2"))])
    assert [entity.entity_id for entity in known.entities] == ["1", "2"]
    assert known.refused == {5: NOT_A_ROW}


def test_a_row_of_another_width_is_refused() -> None:
    assert reader().read([(1, cells()[:-1]), (2, [*cells(), ""])]).refused == {1: NOT_A_ROW, 2: NOT_A_ROW}


def test_a_column_that_is_not_there_is_said() -> None:
    with pytest.raises(FileRejectedError, match="the file has no column id, price"):
        reader(header=[name for name in HEADER if name not in {"id", "price"}])
    with pytest.raises(FileRejectedError, match="the file has no column seen"):
        reader(TIMED, HEADER[:-1])


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02 03:04:05.25", datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("1767323045", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-02-30", None),
    ],
)
def test_a_time_is_iso_8601_and_utc_where_it_names_no_zone(text: str, time: datetime | None) -> None:
    assert event_time(text) == time


def test_a_row_is_as_old_as_its_own_time_and_refused_without_one() -> None:
    rows = [
        (1, cells("a", "2026-01-02T08:00:00Z")),
        (2, cells("b", "soon")),
        (3, cells("c", (NOW + timedelta(days=2)).isoformat())),
        (4, cells("d", (NOW + timedelta(hours=1)).isoformat())),
    ]
    known = reader(TIMED).read(rows)
    assert {entity.entity_id: entity.event_time.hour for entity in known.entities} == {"a": 8, "d": NOW.hour + 1}
    assert known.refused == {2: NOT_A_TIME, 3: NOT_A_TIME}


def test_the_latest_of_several_rows_of_an_entity_counts_and_of_equally_old_ones_the_last() -> None:
    rows = [("new", 2), ("old", 1), ("newer", 3), ("same", 3), ("other", 2)]
    said = [Entity("1", {"name": name}, NOON + timedelta(minutes=age)) for name, age in rows]
    assert latest([*said, Entity("2", {}, NOON)]) == [said[3], Entity("2", {}, NOON)]


def test_the_event_time_is_no_extra_column_and_part_of_the_contract_only_where_there_is_one() -> None:
    assert "seen" in TIMED.known_columns
    assert "seen" not in TIMED.required_columns
    assert TIMED.contract_sha256 != USE_CASE.contract_sha256
    assert TIMED.model_sha256 == USE_CASE.model_sha256


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=6)


@given(st.lists(st.lists(CELL, min_size=2, max_size=3), min_size=1, max_size=12), st.booleans())
def test_reading_can_go_on_behind_any_row(rows: list[list[str]], bom: bool) -> None:
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    body = b"\xef\xbb\xbf" * bom + text.encode()
    reading = CsvRows(io.BytesIO(body))
    for number, row in enumerate(reading, start=1):
        assert row == rows[number - 1]
        assert list(CsvRows(io.BytesIO(body[reading.offset :]), reading.offset)) == rows[number:]
    assert reading.offset == len(body)


@pytest.mark.parametrize("body", [b'a,"b"c\n', b'a,"b\nc,d\n'])
def test_what_is_not_csv_is_rejected(body: bytes) -> None:
    with pytest.raises(FileRejectedError, match="not CSV"):
        list(CsvRows(io.BytesIO(body)))
