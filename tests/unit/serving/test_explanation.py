"""Effects of features on models whose effects are known."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from tabserve.core.features import CategoryFeature
from tabserve.core.records import Value
from tabserve.reference.profile import CategoricalProfile, NumericProfile, Profile
from tabserve.serving import explanation
from tests import wide
from tests.definitions import CATALOG, DERIVED_OF_TRIP, TRIP, TRIPS

TITANIC = CATALOG.get("titanic")
IRIS = CATALOG.get("iris")
RECORD: dict[str, Value] = {"Pclass": 1, "Sex": "female", "Age": 38.0, "Fare": None, "Embarked": "C"}
Columns = Mapping[str, Sequence[Value]]


def titanic_profile(rows: int = 200) -> Profile:
    draw = np.random.default_rng(5)
    columns = {
        "Pclass": draw.choice([1, 2, 3], rows).tolist(),
        "Sex": draw.choice(["male", "female"], rows, p=[0.6, 0.4]).tolist(),
        "Age": [None if draw.random() < 0.2 else float(draw.integers(1, 80)) for _ in range(rows)],
        "Fare": draw.exponential(30, rows).tolist(),
        "Embarked": draw.choice(["C", "Q", "S"], rows).tolist(),
    }
    return Profile.of(TITANIC, columns, ["0"] * rows, [0.3] * rows)


def terms(columns: Columns, row: int) -> dict[str, float]:
    age, fare = columns["Age"][row], columns["Fare"][row]
    return {
        "Pclass": -0.9 * float(columns["Pclass"][row] or 0),
        "Sex": 2.5 if columns["Sex"][row] == "female" else 0.0,
        "Age": -0.03 * (29.0 if age is None else float(age)),
        "Fare": 0.004 * (14.0 if fare is None else float(fare)),
        "Embarked": 0.0,
    }


def linear(columns: Columns, rows: int) -> list[list[float]]:
    sums = [sum(terms(columns, row).values()) for row in range(rows)]
    return [[1 / (1 + math.exp(value)), 1 / (1 + math.exp(-value))] for value in sums]


def interacting(columns: Columns, rows: int) -> list[list[float]]:
    both = [columns["Sex"][row] == "female" and columns["Pclass"][row] == 1 for row in range(rows)]
    return [[0.1, 0.9] if each else [0.8, 0.2] for each in both]


def test_linear_model_is_explained_exactly() -> None:
    profile = titanic_profile()
    found = explanation.explain(TITANIC, RECORD, profile, linear)
    typical = explanation.typical_records(TITANIC, profile, explanation.TYPICAL_RECORDS)
    own = terms({name: [value] for name, value in RECORD.items()}, 0)
    means = {
        name: np.mean([terms(typical, row)[name] for row in range(explanation.TYPICAL_RECORDS)]) for name in RECORD
    }
    assert (found.method, found.scale) == ("exact", "log_odds")
    assert found.effects == pytest.approx({name: own[name] - means[name] for name in RECORD}, abs=1e-9)


def test_interactions_are_shared_and_add_up_in_probability() -> None:
    found = explanation.explain(TITANIC, RECORD, titanic_profile(), interacting)
    assert (found.method, found.scale) == ("sampled", "probability")
    assert sum(found.effects.values()) == pytest.approx(found.answer - found.typical_answer)
    assert found.effects["Pclass"] > 0.2
    assert found.effects["Sex"] > 0.2
    assert [found.effects[name] for name in ("Age", "Fare", "Embarked")] == [0, 0, 0]


def test_interactions_come_close_to_exact_shapley_values() -> None:
    profile = titanic_profile()
    found = explanation.explain(TITANIC, RECORD, profile, interacting)
    typical = explanation.typical_records(TITANIC, profile, explanation.TYPICAL_RECORDS)
    effects = dict.fromkeys(RECORD, 0.0)
    orders = list(itertools.permutations(RECORD))
    for order in orders:
        columns = {name: list(values) for name, values in typical.items()}
        before = float(np.mean([row[1] for row in interacting(columns, explanation.TYPICAL_RECORDS)]))
        for name in order:
            columns[name] = [RECORD[name]] * explanation.TYPICAL_RECORDS
            after = float(np.mean([row[1] for row in interacting(columns, explanation.TYPICAL_RECORDS)]))
            effects[name] += (after - before) / len(orders)
            before = after
    assert found.effects == pytest.approx(effects, abs=0.05)


def test_of_many_classes_the_predicted_one_is_explained_exactly() -> None:
    def softmax(columns: Columns, rows: int) -> list[list[float]]:
        lengths = np.array([float(columns["PetalLengthCm"][row] or 0) for row in range(rows)])
        widths = np.array([float(columns["PetalWidthCm"][row] or 0) for row in range(rows)])
        scores = np.stack([-lengths, 0.2 * widths, lengths + widths], axis=1)
        odds = np.exp(scores)
        shares: list[list[float]] = (odds / odds.sum(axis=1, keepdims=True)).tolist()
        return shares

    rows = 50
    columns = {name: np.linspace(0.5, 6.5, rows).tolist() for name in IRIS.feature_names}
    profile = Profile.of(IRIS, columns, ["setosa"] * rows, [0.5] * rows)
    record = dict.fromkeys(IRIS.feature_names, 5.0)
    found = explanation.explain(IRIS, record, profile, softmax)
    assert found.class_index == 2
    assert (found.method, found.scale) == ("exact", "log_odds")
    assert found.effects["PetalLengthCm"] == pytest.approx(1.5 * (5.0 - 3.5), abs=1e-2)
    assert found.effects["SepalLengthCm"] == pytest.approx(0, abs=1e-9)


def test_typical_records_look_like_the_reference() -> None:
    typical = explanation.typical_records(TITANIC, titanic_profile(), 50)
    assert 16 <= typical["Sex"].count("female") <= 24
    assert 6 <= typical["Age"].count(None) <= 14
    assert set(typical["Pclass"]) == {1, 2, 3}


def test_what_a_model_takes_is_explained_derived_features_and_all_types_among_it() -> None:
    number = NumericProfile.of([1.0, 2.0, 3.0, None])
    categories = {
        "insured": {"false": 6, "true": 2},
        "guide": {"false": 2, "true": 2},
        "board": {"half": 4, "full": 4},
        "town": {"Bonn": 2, "Köln": 2},
        "weekday": {"Monday": 8},
        "title": {"Dr": 1, "Prof": 1},
        "remarked": {"false": 4, "true": 4},
        "stay": {"under 3": 4, "3 to 8": 4},
    }
    columns = {name: CategoricalProfile(0, 4 if name == "town" else 0, counts) for name, counts in categories.items()}
    profile = Profile(8, {name: columns.get(name, number) for name in TRIPS.input_names})

    def by_title_and_insurance(columns: Columns, rows: int) -> list[list[float]]:
        assert set(columns) == set(TRIPS.input_names)
        sums = [(columns["title"][row] == "Dr") + 2 * (columns["insured"][row] is True) - 1 for row in range(rows)]
        return [[1 / (1 + math.exp(value)), 1 / (1 + math.exp(-value))] for value in sums]

    inputs: dict[str, Value] = {name: {**TRIP, **DERIVED_OF_TRIP}[name] for name in TRIPS.input_names}
    found = explanation.explain(TRIPS, inputs, profile, by_title_and_insurance)
    assert list(found.effects) == list(TRIPS.input_names)
    assert {name for name, effect in found.effects.items() if abs(effect) > 1e-9} == {"insured", "title"}
    assert found.effects["insured"] == pytest.approx(2 * 0.75)
    typical = explanation.typical_records(TRIPS, profile, 8)
    assert typical["insured"].count(True) == 2
    assert typical["town"].count(explanation.UNLEARNED) == 4


def test_wide_records_are_compared_with_fewer_typical_ones_and_never_held_all_at_once() -> None:
    use_case = wide.use_case(400)
    draw = np.random.default_rng(1)
    columns: dict[str, list[Value]] = {
        feature.name: draw.choice(feature.categories, 50).tolist()
        if isinstance(feature, CategoryFeature)
        else draw.integers(0, 1000, 50).tolist()
        for feature in use_case.features
    }
    numbers = [feature.name for feature in use_case.features if not isinstance(feature, CategoryFeature)]
    most: list[int] = []

    def additive(columns: Columns, rows: int) -> list[list[float]]:
        most.append(rows * len(columns))
        sums = np.sum([np.array(columns[name], dtype=float) for name in numbers], axis=0) / 1e5
        positive = 1 / (1 + np.exp(-sums))
        scores: list[list[float]] = np.stack([1 - positive, positive], axis=1).tolist()
        return scores

    profile = Profile.of(use_case, columns, ["0"] * 50, [0.5] * 50)
    record = {name: values[0] for name, values in columns.items()}
    found = explanation.explain(use_case, record, profile, additive)

    assert explanation.typical_count(5) == explanation.typical_count(200) == 64
    assert (explanation.typical_count(1_000), explanation.typical_count(5_000)) == (15, 8)
    assert max(most) <= explanation.CELLS_AT_ONCE
    assert found.method == "exact"
    odds = [math.log(share / (1 - share)) for share in (found.answer, found.typical_answer)]
    assert sum(found.effects.values()) == pytest.approx(odds[0] - odds[1], abs=0.01)
