"""CSV files of visitors become records; what is wrong with a file is said in words."""

import csv
import io
from typing import Any

import pytest

from tabserve.core.validation import validate
from tests.definitions import CATALOG
from ui import csv_tables, records
from ui.errors import UiError

DEFINITION = CATALOG.get("titanic").model_dump(mode="json")
HEADER = "PassengerId,Pclass,Sex,Age,Fare,Embarked"


def read(text: str | bytes) -> list[dict[str, Any]]:
    body = text.encode() if isinstance(text, str) else text
    return list(records.records(records.read_csv(io.BytesIO(body), DEFINITION), DEFINITION))


def test_cells_become_values_as_the_use_case_writes_them() -> None:
    assert read(f"{HEADER}\n7,1,female,38,71.28,C\n") == [
        {"Pclass": 1, "Sex": "female", "Age": 38, "Fare": 71.28, "Embarked": "C", "entity_id": "7"}
    ]


@pytest.mark.parametrize("text", ["1_0", "٣", "7,25", "nan", "0x10", "twelve"])
def test_what_is_no_number_stays_text_for_the_api_to_refuse(text: str) -> None:
    (record,) = read(f'{HEADER}\n7,1,female,"{text}",71.28,C\n')
    assert record["Age"] == text


def test_empty_cells_are_missing() -> None:
    (record,) = read(f"{HEADER}\n,1,male,,NA,\n")
    assert (record["Age"], record["Fare"], record["Embarked"]) == (None, None, None)
    assert "entity_id" not in record


def test_the_use_case_says_what_counts_as_missing() -> None:
    definition = DEFINITION | {"missing_values": ["", "?", "n/a"]}
    body = f"{HEADER}\n?,1,male,?, n/a ,NA\n".encode()
    (record,) = records.records(records.read_csv(io.BytesIO(body), definition), definition)
    assert (record["Age"], record["Fare"], record["Embarked"]) == (None, None, "NA")
    assert "entity_id" not in record


def test_byte_order_mark_and_other_columns_do_no_harm() -> None:
    upload = records.read_csv(io.BytesIO(f"﻿{HEADER},Name\n7,1,male,1,1,S,Mr\n".encode()), DEFINITION)
    assert upload.unused == ["Name"]
    assert len(upload.rows) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7;1;female;38,5;71,28;C", "semicolon-separated, with decimal comma"),
        ("7;1;female;38.5;71.28;C", "semicolon-separated"),
        ("7\t1\tfemale\t38,5\t71,28\tC", "tab-separated, with decimal comma"),
        ('7,1,female,"38,5","71,28",C', "with decimal comma"),
        ("7,1,female,38.5,71.28,C", ""),
    ],
)
def test_files_of_spreadsheets_are_read_and_said_to_be_so(text: str, said: str) -> None:
    separator = "," if "," in text[:3] else text[1]
    body = f"{HEADER.replace(',', separator)}\n{text}\n".encode()
    upload = records.read_csv(io.BytesIO(body), DEFINITION)
    (record,) = records.records(upload, DEFINITION)
    assert upload.read_as == said
    assert record == {"Pclass": 1, "Sex": "female", "Age": 38.5, "Fare": 71.28, "Embarked": "C", "entity_id": "7"}


def test_points_and_commas_in_one_file_are_left_for_the_api_to_refuse() -> None:
    (record,) = read(f"{HEADER}\n7,1,male,1.5,7,25,S\n".replace(",", ";").replace("7;25", "7,25"))
    assert (record["Age"], record["Fare"]) == (1.5, "7,25")


def test_no_more_than_the_first_rows_of_a_long_file_are_read() -> None:
    never_reached = b"\xff"
    body = f"{HEADER}\n".encode() + b"7,1,female,38,71.28,C\n" * 10_000 + never_reached
    with pytest.raises(UiError, match="more than 10 rows"):
        records.read_csv(io.BytesIO(body), DEFINITION, most=10)


def test_a_large_file_is_refused_by_its_size() -> None:
    csv_tables.refuse_large(csv_tables.LARGEST)
    with pytest.raises(UiError, match="75 MB; 25 MB are the most") as refused:
        csv_tables.refuse_large(75_000_000)
    assert "Data quality" in refused.value.advice


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "lacks the columns"),
        (b"PassengerId,Pclass\n1,1\n", "lacks the columns Sex, Age, Fare, Embarked"),
        (f"{HEADER}\n".encode(), "no rows"),
        (f"{HEADER},Age\n1,1,male,1,1,S,1\n".encode(), "Age stands twice"),
        (HEADER.encode("utf-16"), "not UTF-8"),
    ],
)
def test_unusable_files_are_refused_in_words(body: bytes, said: str) -> None:
    with pytest.raises(UiError, match=said):
        records.read_csv(io.BytesIO(body), DEFINITION)


@pytest.mark.parametrize("name", CATALOG.names())
def test_example_file_has_good_rows_and_one_bad_row(name: str) -> None:
    use_case = CATALOG.get(name)
    definition = use_case.model_dump(mode="json")
    upload = records.read_csv(io.BytesIO(records.example_csv(definition)), definition)
    validated = validate(use_case, list(records.records(upload, definition)))
    assert len(validated.indices) == 5
    assert list(validated.errors) == [5]


def test_chunks_keep_every_row() -> None:
    assert [list(chunk) for chunk in records.chunks(range(5), 2)] == [[0, 1], [2, 3], [4]]


def test_example_file_is_plain_csv() -> None:
    rows = list(csv.reader(io.StringIO(records.example_csv(DEFINITION).decode())))
    assert rows[0][0] == "PassengerId"
    assert {len(row) for row in rows} == {6}
