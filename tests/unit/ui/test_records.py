"""CSV files of visitors become records; what is wrong with a file is said in words."""

import csv
import io
from typing import Any

import pytest

from tabserve.core.validation import validate
from tests.definitions import CATALOG
from ui import records
from ui.errors import UiError

DEFINITION = CATALOG.get("titanic").model_dump(mode="json")
HEADER = "PassengerId,Pclass,Sex,Age,Fare,Embarked"


def read(text: str | bytes) -> list[dict[str, Any]]:
    body = text.encode() if isinstance(text, str) else text
    return list(records.records(records.read_csv(body, DEFINITION), DEFINITION))


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
    (record,) = records.records(records.read_csv(body, definition), definition)
    assert (record["Age"], record["Fare"], record["Embarked"]) == (None, None, "NA")
    assert "entity_id" not in record


def test_byte_order_mark_and_other_columns_do_no_harm() -> None:
    upload = records.read_csv(f"﻿{HEADER},Name\n7,1,male,1,1,S,Mr\n".encode(), DEFINITION)
    assert upload.unused == ["Name"]
    assert len(upload.rows) == 1


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
        records.read_csv(body, DEFINITION)


@pytest.mark.parametrize("name", CATALOG.names())
def test_example_file_has_good_rows_and_one_bad_row(name: str) -> None:
    use_case = CATALOG.get(name)
    definition = use_case.model_dump(mode="json")
    upload = records.read_csv(records.example_csv(definition), definition)
    validated = validate(use_case, list(records.records(upload, definition)))
    assert len(validated.indices) == 5
    assert list(validated.errors) == [5]


def test_chunks_keep_every_row() -> None:
    assert [list(chunk) for chunk in records.chunks(range(5), 2)] == [[0, 1], [2, 3], [4]]


def test_example_file_is_plain_csv() -> None:
    rows = list(csv.reader(io.StringIO(records.example_csv(DEFINITION).decode())))
    assert rows[0][0] == "PassengerId"
    assert {len(row) for row in rows} == {6}
