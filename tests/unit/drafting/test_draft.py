"""A draft of any table: what each column is taken for, and one sentence where the table must be mended first."""

import gzip
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from tabserve.core.catalog import load_use_case
from tabserve.core.errors import DraftError
from tabserve.core.use_case import UseCase
from tabserve.drafting.draft import Draft, draft, slug
from tabserve.drafting.table import read_table

ROWS = 200
Cells = Callable[[int], object]


def csv(columns: dict[str, Cells], rows: int = ROWS, delimiter: str = ",") -> str:
    lines = [delimiter.join(columns)]
    lines += [delimiter.join(str(cell(number)) for cell in columns.values()) for number in range(rows)]
    return "".join(f"{line}\n" for line in lines)


def drafted(
    tmp_path: Path, content: str | bytes, target: str = "y", id_column: str | None = None
) -> tuple[Draft, UseCase]:
    """Return the draft of a table, and the definition as it is read again."""
    path = tmp_path / "my table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = draft(read_table(path), "my_table", str(path), target, id_column)
    written = tmp_path / "my_table.yaml"
    written.write_text(found.text)
    return found, load_use_case(written)


def refused(tmp_path: Path, content: str | bytes, target: str = "y", id_column: str | None = None) -> str:
    with pytest.raises(DraftError) as error:
        drafted(tmp_path, content, target, id_column)
    return str(error.value)


OPTIONAL = {"type": "integer", "usual": [0, 16], "required": False, "impute": "median"}
CLASS: Cells = lambda n: ("no", "yes")[n * 7 % 3 == 0]  # noqa: E731
DAY: Callable[[int], date] = lambda n: date(2020, 1, 1) + timedelta(days=n * 5)  # noqa: E731


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (lambda n: n % 17 + 0.5, {"type": "number", "usual": [0.5, 16.5]}),
        (lambda n: n % 17, {"type": "integer", "usual": [0, 16]}),
        (
            lambda n: n % 17 if n % 5 else "NA",
            {"type": "integer", "usual": [0, 16], "required": False, "impute": "median"},
        ),
        (
            lambda n: n % 17 if n % 5 else "-",
            {"type": "integer", "usual": [0, 16], "required": False, "impute": "median"},
        ),
        (lambda n: ("Yes", "No")[n % 2], {"type": "boolean"}),
        (lambda n: n % 2, {"type": "boolean"}),
        (lambda n: ("red", "blue")[n % 2], {"type": "category", "categories": ["blue", "red"]}),
        (lambda n: ("red", "blue", "rare")[2 if n == 3 else n % 2], {"type": "category", "categories": "open"}),
        (lambda n: f"0{n % 60:04}", {"type": "category", "categories": "open"}),
        (lambda n: f"code {n % 60}", {"type": "category", "categories": "open"}),
        (lambda n: DAY(n).isoformat(), {"type": "date"}),
        (lambda n: f"{DAY(n):%d.%m.%Y}", {"type": "date", "format": "%d.%m.%Y"}),
        (lambda n: f"{DAY(n):%m/%d/%Y}", {"type": "date", "format": "%m/%d/%Y"}),
        (lambda n: f"{DAY(n):%d/%m/%Y} 12:30", {"type": "datetime", "format": "%d/%m/%Y %H:%M"}),
        (lambda n: f"{DAY(n)}T12:30:00+02:00", {"type": "datetime"}),
        (lambda n: f"a long remark of its own, {n} {'x' * 60}".replace(",", ""), {"type": "text", "max_length": 174}),
    ],
)
def test_a_column_is_taken_for_what_it_is(tmp_path: Path, cell: Cells, expected: dict[str, object]) -> None:
    found, _ = drafted(tmp_path, csv({"x": cell, "z": lambda n: n * 13 % 101, "y": CLASS}))
    features = {each["name"]: each for each in yaml.safe_load(found.text)["features"]}
    if expected["type"] == "text":
        expected = {**expected, "max_length": features["x"]["max_length"]}
    assert features["x"] == {"name": "x", **expected}


def test_dates_and_texts_are_sources_of_what_a_model_takes(tmp_path: Path) -> None:
    text: Cells = lambda n: "" if n % 4 == 0 else f"remark {n} {'x' * 60}"  # noqa: E731
    columns: dict[str, Cells] = {"from": DAY, "to": lambda n: DAY(n + n % 3), "remark": text, "y": CLASS}
    _, use_case = drafted(tmp_path, csv(columns))
    assert use_case.input_names == (
        *("from epoch days", "from month", "from weekday", "to epoch days", "to month", "to weekday"),
        *("days from to to", "has remark"),
    )


@pytest.mark.parametrize(
    ("cell", "task", "expected"),
    [
        (CLASS, "binary_classification", {"classes": ["no", "yes"], "positive_class": "yes"}),
        (lambda n: n % 3 == 0, "binary_classification", {"classes": ["False", "True"], "positive_class": "True"}),
        (lambda n: int(n % 3 == 0), "binary_classification", {"classes": [0, 1], "positive_class": 1}),
        (lambda n: ("a", "b")[n % 5 == 0], "binary_classification", {"classes": ["a", "b"], "positive_class": "b"}),
        (lambda n: n % 4, "multiclass_classification", {"classes": [0, 1, 2, 3]}),
        (lambda n: n % 20, "regression", {"unit": ""}),
        (lambda n: n / 7, "regression", {"unit": ""}),
    ],
)
def test_the_task_follows_from_the_target(tmp_path: Path, cell: Cells, task: str, expected: dict[str, object]) -> None:
    found, use_case = drafted(tmp_path, csv({"x": lambda n: n * 13 % 101, "y": cell}))
    assert use_case.task == task
    assert yaml.safe_load(found.text)["target"] == {"name": "y", **expected}


@pytest.mark.parametrize(
    ("delimiter", "encoding", "packed", "number"),
    [
        (";", "latin-1", False, "3,5"),
        ("\t", "utf-8", True, "3.5"),
        ("|", "utf-16", False, "3.5"),
        (",", "utf-8-sig", False, "3.5"),
    ],
)
def test_a_dialect_is_found_out(tmp_path: Path, delimiter: str, encoding: str, packed: bool, number: str) -> None:
    columns: dict[str, Cells] = {
        "Größe": lambda n: f"{n % 40}{number[1:]}",
        "Stadt": lambda n: ("Köln", "Würzburg")[n % 2],
        "y": CLASS,
    }
    body = csv(columns, delimiter=delimiter).encode(encoding)
    _, use_case = drafted(tmp_path, gzip.compress(body) if packed else body)
    assert use_case.format.delimiter == delimiter
    assert use_case.format.decimal == number[1]
    assert use_case.format.compression == ("gzip" if packed else "none")
    assert "Köln".encode(use_case.format.encoding).decode(encoding.removesuffix("-sig")) in ("Köln", "\ufeffKöln")
    assert use_case.example["Größe"] == float(number.replace(",", ".").replace("3", "0", 1))


def left_out(found: Draft) -> dict[str, str]:
    return {each.name: each.seen for each in found.guesses if each.settings is None and each.name != found.id_column}


def test_what_says_nothing_or_too_much_is_left_out_with_the_reason(tmp_path: Path) -> None:
    chance = random.Random(1)
    values = [chance.random() for _ in range(ROWS)]
    columns: dict[str, Cells] = {
        "id": lambda n: 1000 + n,
        "same": lambda n: "DE",
        "empty": lambda n: "",
        "mostly": lambda n: "" if n % 5 else values[n],
        "name": lambda n: f"person {n}",
        "x": lambda n: values[n],
        "again": lambda n: values[n],
        "leak": lambda n: ("A", "B")[CLASS(n) == "yes"],
        "y": CLASS,
    }
    found, use_case = drafted(tmp_path, csv(columns))
    assert use_case.id_column == "id"
    assert use_case.feature_names == ("mostly", "x")
    assert use_case.input_names == ("x", "has mostly")
    assert left_out(found) == {
        "same": "always 'DE'",
        "empty": "no value at all",
        "name": "200 different texts in 200 rows: each hardly ever repeats",
        "again": "a copy of x",
        "leak": "it alone tells 100.0% of y: take it back if it is known before the prediction",
    }


def test_a_column_that_only_follows_a_numeric_target_gives_it_away(tmp_path: Path) -> None:
    columns: dict[str, Cells] = {"x": lambda n: n * 13 % 101, "in_cents": lambda n: n * 100, "y": lambda n: n}
    found, _ = drafted(tmp_path, csv(columns))
    assert "in_cents" in left_out(found)


def test_rows_without_target_and_columns_without_name_are_told(tmp_path: Path) -> None:
    columns: dict[str, Cells] = {"": lambda n: n, "x": lambda n: n % 19, "y": lambda n: "" if n % 10 == 0 else CLASS(n)}
    found, use_case = drafted(tmp_path, csv(columns))
    assert found.notes == ["1 column without a name: left out", "20 rows have no y: they are left out of training"]
    assert use_case.missing_values == ("",)


X: dict[str, Cells] = {"x": lambda n: n % 19, "y": CLASS}
GOOD = csv(X)


@pytest.mark.parametrize(
    ("content", "target", "said"),
    [
        ("", "y", "my table.csv is empty; a table needs names in its first line and rows below."),
        (csv(X, rows=3), "y", "my table.csv has 3 rows; a model needs 20 at least, hundreds to be good."),
        (GOOD, "Y", "my table.csv has no column 'Y'"),
        (GOOD.replace("x,y", "x,X"), "x", "more than one column named"),
        (
            csv({**X, "y": lambda n: "no"}),
            "y",
            "Column 'y' of my table.csv is always 'no'; there is nothing to predict.",
        ),
        (
            csv({**X, "y": lambda n: "rare" if n == 9 else CLASS(n)}),
            "y",
            "has class 'rare' in 1 rows; each class needs 4.",
        ),
        (csv({**X, "y": lambda n: f"t{n}"}), "y", "has 200 different texts; up to 100 classes can be told apart."),
        (csv({**X, "y": lambda n: "" if n > 9 else CLASS(n)}), "y", "is known in 10 rows only; a model needs 20."),
        (csv({"y": CLASS, "a": lambda n: "DE"}), "y", "has no column that 'y' could be predicted from."),
        (GOOD.replace("\n5,", "\n5,7,", 1), "y", "my table.csv is not CSV: line 7 has 3 fields, the first line 2."),
        (GOOD.replace("x,y", "1,2"), "2", "The first line of my table.csv holds numbers; it must hold the names"),
        (
            "nothing here\n" * 30,
            "y",
            "does not fit its rows, separated by comma, semicolon, tab or |; is it a CSV file?",
        ),
        (b"PK\x03\x04" + bytes(400), "y", "my table.csv is no text; save the table as a CSV file"),
        (gzip.compress(GOOD.encode())[:-9], "y", "my table.csv is a damaged gzip file"),
        (
            csv({**X, "z": lambda n: ("1,5", "1.5")[n % 2]}, delimiter=";"),
            "y",
            "Column 'z' of my table.csv has two decimal signs, such as 1.5 and 1,5; write one of them.",
        ),
        (
            csv({**X, "z": lambda n: DAY(n) if n % 2 else f"{DAY(n):%d.%m.%Y}"}),
            "y",
            "Column 'z' has dates in two formats, such as",
        ),
    ],
)
def test_a_table_that_must_be_mended_is_refused_in_a_sentence(
    tmp_path: Path, content: str | bytes, target: str, said: str
) -> None:
    assert said in refused(tmp_path, content, target)


def test_an_id_that_repeats_is_refused_where_it_was_asked_for(tmp_path: Path) -> None:
    said = refused(tmp_path, csv({"who": lambda n: n % 50, **X}), id_column="who")
    assert said.startswith("Column 'who' of my table.csv repeats the id '")


@pytest.mark.parametrize(
    ("text", "name"), [("My Table (2)", "my_table_2"), ("2024", "table_2024"), ("ÄÖÜ", "table_"), ("a" * 99, "a" * 40)]
)
def test_a_use_case_is_named_like_its_file(text: str, name: str) -> None:
    assert slug(text) == name


def test_white_space_around_cells_is_found_out(tmp_path: Path) -> None:
    columns: dict[str, Cells] = {"x": lambda n: n % 19, "color": lambda n: ("red", "blue")[n % 2], "y": CLASS}
    _, use_case = drafted(tmp_path, csv(columns, delimiter=", "))
    assert use_case.format.strip
    assert use_case.features[1].texts == ("blue", "red")  # type: ignore[union-attr]
    assert use_case.target.texts == ("no", "yes")
