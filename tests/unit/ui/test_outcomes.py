"""Outcomes of a CSV file: which rows can be saved, and why the others cannot."""

import io

import pytest

from tests.definitions import CATALOG
from ui import outcomes
from ui.errors import UiError
from ui.outcomes import ENTITY, PREDICTION

DEFINITION = CATALOG.get("titanic").model_dump(mode="json")
ID = "0190a000-0000-7000-8000-000000000001"


def read(text: str, most: int = 100) -> outcomes.OutcomeFile:
    return outcomes.read(io.BytesIO(text.encode()), DEFINITION, most)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (f"prediction_id,what happened\n{ID},survived\n", ""),
        (f"prediction_id;what happened\n{ID.upper()}; 1\n", "semicolon-separated"),
        (f"prediction_id,PassengerId,prediction,actual\n{ID},7,died,survived\n", ""),
        (f"Survived\tprediction_id\n1\t{ID}\n", "tab-separated"),
    ],
)
def test_predictions_are_named_by_id_and_classes_by_label_or_as_data_write_them(text: str, read_as: str) -> None:
    file = read(text)
    assert [each.record() for each in file.outcomes] == [{"prediction_id": ID, "actual": 1}]
    assert file.read_as == read_as


def test_an_entity_may_stand_for_its_latest_prediction() -> None:
    file = read(f"prediction_id,PassengerId,what happened\n,7,died\n{ID},8,died\n")
    assert [(each.kind, each.id) for each in file.outcomes] == [(ENTITY, "7"), (PREDICTION, ID)]
    assert read("entity_id,actual\n7,0\n").outcomes[0].record() == {"entity_id": "7", "actual": 0}


def test_rows_without_outcome_are_counted_and_of_a_repeated_id_the_last_counts() -> None:
    file = read("PassengerId,what happened\n7,died\n8,\n7,survived\n")
    assert (file.rows, file.empty, file.repeated) == (3, 1, 1)
    assert [(each.row, each.actual) for each in file.outcomes] == [(3, 1)]


def test_what_cannot_be_saved_is_told_by_row() -> None:
    file = read("PassengerId,what happened\n7,alive\n,died\n8,died\n")
    assert [(each.row, each.wrong) for each in file.outcomes] == [
        (1, "“alive” is none of died or survived"),
        (2, "the row has no id"),
        (3, ""),
    ]
    assert [each.row for each in file.to_save] == [3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PassengerId\n7\n", "lacks the column “what happened”"),
        ("what happened\ndied\n", "lacks the column prediction_id or PassengerId"),
        ("PassengerId,what happened\n" + "7,died\n" * 101, "more than 100 rows"),
    ],
)
def test_unusable_files_are_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(UiError, match=said):
        read(text)


def test_the_template_is_read_back_once_it_is_filled_in() -> None:
    header, rows = outcomes.template([{"prediction_id": ID, "entity_id": "7", "label": "died"}], DEFINITION)
    text = "\n".join(",".join(map(str, row)) for row in [header, *rows])
    assert read(text).empty == 1
    assert read(text + "survived").outcomes[0].record() == {"prediction_id": ID, "actual": 1}
