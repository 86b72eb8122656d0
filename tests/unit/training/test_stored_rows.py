"""Training data whose features are those the feature store knows."""

import pytest

from tabserve.core.entities import Entity
from tabserve.core.errors import TrainingDataError
from tabserve.core.records import Value
from tabserve.training.cells import values
from tabserve.training.dataset import Dataset
from tabserve.training.stored_rows import with_stored_features
from tabserve.training.validation import labelled_rows
from tests.definitions import CATALOG, PENGUINS
from tests.factories import NOON
from tests.fakes.predictions import FakeFeatures
from tests.synthetic import dataset

TITANIC = CATALOG.get("titanic")
OUTCOMES = Dataset("outcomes.csv", ("Survived", "PassengerId"), (("0", "1"), ("1", "2"), ("1", "3"), ("0", "4")))
FEATURES: dict[str, Value] = {"Pclass": 3, "Sex": "male", "Age": 22.0, "Fare": 7.25, "Embarked": None}


def store(*ids: str) -> FakeFeatures:
    features = FakeFeatures()
    features.put("titanic", [Entity(id_, FEATURES, NOON) for id_ in ids])
    return features


def test_ids_and_outcomes_come_from_the_data_and_features_from_the_store() -> None:
    found = with_stored_features(TITANIC, OUTCOMES, store("4", "2", "1"))
    assert found.unknown == 1
    assert found.dataset.header == ("PassengerId", *FEATURES, "Survived")
    assert [*found.dataset.rows][1] == ("2", "3", "male", "22.0", "7.25", "", "1")
    assert [row[0] for row in found.dataset.rows] == ["1", "2", "4"]


def test_stored_features_are_the_ones_they_were_stored_as() -> None:
    original = labelled_rows(PENGUINS, dataset(PENGUINS))
    features, columns = (
        FakeFeatures(),
        {each.name: values(each, original.columns[each.name]) for each in PENGUINS.features},
    )
    entities = [
        Entity(id_, {name: column[place] for name, column in columns.items()}, NOON)
        for place, id_ in enumerate(original.ids)
    ]
    features.put(PENGUINS.name, entities)
    again = labelled_rows(PENGUINS, with_stored_features(PENGUINS, dataset(PENGUINS), features).dataset)
    assert {each.name: values(each, again.columns[each.name]) for each in PENGUINS.features} == columns
    assert again.targets.tolist() == original.targets.tolist()


def test_what_no_definition_allows_any_more_is_named_and_not_learned_from() -> None:
    features = store("1", "2", "3", "4")
    features.put("titanic", [Entity("5", FEATURES | {"Pclass": 9}, NOON), Entity("6", {"Sex": "male"}, NOON)])
    more = (*OUTCOMES.rows, ("0", "5"), ("1", "6"))
    rows = with_stored_features(TITANIC, Dataset("outcomes.csv", OUTCOMES.header, more), features).dataset
    with pytest.raises(TrainingDataError, match="'Pclass' breaks unknown_category in 1 row"):
        labelled_rows(TITANIC, rows)


def test_too_few_known_ids_are_one_sentence_with_the_way_out() -> None:
    with pytest.raises(TrainingDataError, match=r"knows 1 of the 4 ids of outcomes\.csv.*feed\.py"):
        with_stored_features(TITANIC, OUTCOMES, store("3"))


def test_the_data_need_no_features_but_ids_and_outcomes() -> None:
    with pytest.raises(TrainingDataError, match="missing column 'PassengerId'"):
        with_stored_features(TITANIC, Dataset("a.csv", ("Survived",), (("0",),)), store())


def test_an_id_that_nothing_can_have_is_unknown() -> None:
    rows = (*OUTCOMES.rows, ("1", ""), ("1", "x" * 201))
    found = with_stored_features(TITANIC, Dataset("a.csv", OUTCOMES.header, rows), store("1", "2", "3", "4"))
    assert found.unknown == 2
