import json
import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tabserve.core.use_case import UseCase
from tabserve.reference.profile import CategoricalProfile, NumericProfile, Profile, thin

NUMBERS = st.lists(st.none() | st.integers(-3, 3) | st.floats(-1e6, 1e6), max_size=60)

USE_CASE = UseCase.model_validate(
    {
        "name": "fruit",
        "version": 1,
        "task": "binary_classification",
        "id_column": "Id",
        "features": [
            {"name": "weight", "type": "number", "minimum": 0, "maximum": 9, "required": False, "impute": "mean"},
            {"name": "size", "type": "category", "categories": [1, 2, 3]},
        ],
        "target": {"name": "ripe", "classes": [0, 1], "positive_class": 1},
    }
)


def through_json(profile: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(json.dumps(profile.to_dict(), allow_nan=False))
    return loaded


@given(NUMBERS)
def test_every_row_is_in_one_bin(column: Any) -> None:
    profile = NumericProfile.of(column)
    assert profile.bins().sum() == len(column)
    assert len(profile.labels()) == len(profile.bins()) <= 12
    assert np.all(np.diff(profile.edges) > 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=100, max_size=300, unique=True))
def test_deciles_hold_a_tenth_each(column: list[float]) -> None:
    profile = NumericProfile.of(column)
    assert len(profile.counts) == 10
    assert max(profile.counts) - min(profile.counts) <= 1


def test_a_constant_column_has_empty_bins_on_both_sides() -> None:
    profile = NumericProfile.of([7.0] * 20)
    assert profile.counts.tolist() == [0, 20, 0]
    assert profile.labels() == ("< 7", "7", "> 7", "missing")


def test_nan_and_none_are_missing_and_an_unknown_category_is_other() -> None:
    assert NumericProfile.of([math.nan, None, 1.0]).missing == 2
    profile = CategoricalProfile.of([math.nan, None, 1.0, 2, "3", "x"], ("1", "2", "3"))
    assert (profile.missing, profile.other, list(profile.categories.values())) == (2, 1, [1, 1, 1])


def test_an_empty_column_and_one_value_have_profiles() -> None:
    assert NumericProfile.of([]).bins().tolist() == [0, 0]
    assert NumericProfile.of([5.0]).counts.tolist() == [0, 1, 0]


def test_a_long_column_keeps_its_counts_and_its_shape_in_2000_order_statistics() -> None:
    column = np.random.default_rng(0).standard_cauchy(50_000)
    profile = NumericProfile.of(column)
    kept = NumericProfile.from_dict(through_json(profile))
    assert len(kept.values) <= 2_000
    assert kept.weights.sum() == 50_000
    assert kept.counts.tolist() == profile.counts.tolist()
    cumulative = np.cumsum(kept.weights)[np.searchsorted(kept.values, profile.values, side="right") - 1]
    cumulative[profile.values < kept.values[0]] = 0
    assert np.abs(cumulative - np.cumsum(profile.weights)).max() / 50_000 <= 1 / 2_000


def test_thinning_keeps_a_value_that_most_rows_share() -> None:
    values, weights = thin(np.arange(3_000.0), np.array([1_000_000] + [1] * 2_999), 2_000)
    assert (values[0], weights.sum()) == (0.0, 1_002_999)
    assert abs(weights[0] - 1_000_000) <= 1_002_999 / 2_000


def test_profiles_of_reference_and_window_survive_json_and_share_bins() -> None:
    features: dict[str, Any] = {"weight": [1.0, None, 3.0, 2.0], "size": [1, 2, 3, 1]}
    reference = Profile.of(USE_CASE, features, ["1", "0", "1", "1"], [0.9, 0.2, 0.8, 0.6])
    assert list(reference.columns) == ["weight", "size", "@probability", "@prediction"]
    copy = Profile.from_dict(through_json(reference))
    assert through_json(copy) == through_json(reference)

    window = copy.window({"weight": [9.0], "size": [7], "@probability": [0.1], "@prediction": ["0"]}, 1)
    assert window.rows == 1
    assert window.columns["size"].labels() == reference.columns["size"].labels()
    assert window.columns["size"].bins().tolist() == [0, 0, 0, 1, 0]


def test_a_column_that_is_not_there_counts_as_missing() -> None:
    reference = Profile.of(USE_CASE, {"weight": [1.0], "size": [1]}, ["1"], [0.9])
    window = reference.window({"size": [1, 2]}, 2)
    assert window.columns["weight"].missing == 2
