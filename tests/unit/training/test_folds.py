"""Folds: copies of a row are left out together."""

from dataclasses import replace

import numpy as np
import pytest

from tabserve.training.dataset import LabelledRows
from tabserve.training.folds import corrected, first_copies, folds, standard_error
from tests.definitions import CATALOG, RENTS

TITANIC = CATALOG.get("titanic")


def passengers(count: int, seed: int = 0) -> LabelledRows:
    """Rows that say nothing about their class, of which a fifth is the second one."""
    chance = np.random.default_rng(seed)
    columns = {
        "Pclass": np.array(["1", "2", "3"], dtype=object)[chance.integers(0, 3, count)],
        "Sex": np.array(["male", "female"], dtype=object)[chance.integers(0, 2, count)],
        "Age": np.where(chance.random(count) < 0.1, np.nan, chance.uniform(1, 80, count)),
        "Fare": chance.uniform(0, 500, count),
        "Embarked": np.array(["C", "Q", "S", None], dtype=object)[chance.integers(0, 4, count)],
    }
    return LabelledRows((), columns, (np.arange(count) % 5 == 0).astype(np.intp))


def with_copies(rows: LabelledRows, times: int) -> LabelledRows:
    """Each row of the second class again and again, as tables are that somebody has balanced by hand."""
    rare = np.flatnonzero(rows.targets == 1)
    order = np.random.default_rng(1).permutation(np.concatenate([np.arange(len(rows)), *[rare] * (times - 1)]))
    return rows.take(order)


def test_rows_are_copies_where_every_column_is_the_same_what_is_missing_included() -> None:
    rows = passengers(50)
    doubled = rows.take([*range(50), *range(50)])
    assert list(first_copies(TITANIC, doubled)) == [*range(50), *range(50)]
    other = {**doubled.columns, "Fare": doubled.columns["Fare"] + (np.arange(100) == 50)}
    assert list(first_copies(TITANIC, replace(doubled, columns=other)))[50] == 50


@pytest.mark.parametrize("count", [5, 10])
def test_copies_of_a_row_are_never_learned_from_and_left_out_at_once(count: int) -> None:
    rows = with_copies(passengers(300), times=4)
    first = first_copies(TITANIC, rows)
    found = list(folds(TITANIC, rows, count=count))
    assert sorted(np.concatenate([others for _, others in found])) == list(range(len(rows)))
    assert all(not set(first[learned]) & set(first[others]) for learned, others in found)
    assert all(np.bincount(rows.targets[others], minlength=2).min() > 0 for _, others in found)


def test_where_rows_hardly_differ_each_counts_for_itself() -> None:
    rows = passengers(300)
    few = {name: np.resize(values[:6], 300) for name, values in rows.columns.items()}
    found = list(folds(TITANIC, replace(rows, columns=few)))
    assert [len(others) for _, others in found] == [30] * 10


def test_different_rows_fall_into_the_folds_they_always_did() -> None:
    rows = passengers(103)
    generator = np.random.default_rng(TITANIC.training.random_state)
    order = generator.permutation(103)
    order = order[np.argsort(rows.targets[order], kind="stable")]
    fold = np.empty(103, dtype=int)
    fold[order] = np.arange(103) % 10
    for number, (_, others) in enumerate(folds(TITANIC, rows)):
        assert list(others) == list(np.flatnonzero(fold == number))


def test_a_regressions_copies_stay_together_too() -> None:
    columns = {"area": np.repeat(np.arange(40.0), 3), "district": np.full(120, "north", dtype=object)}
    rows = LabelledRows((), {**columns, "lift": np.ones(120)}, np.arange(120.0))
    assert all(not set(learned // 3) & set(others // 3) for learned, others in folds(RENTS, rows))


def test_one_fold_with_a_value_has_no_spread() -> None:
    assert standard_error([0.5, float("nan")]) == 0.0
    assert corrected([0.5, float("nan")]).value == 0.5
