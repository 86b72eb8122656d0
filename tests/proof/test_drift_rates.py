"""False alarms and power of the drift method, at full size: `make proof`."""

from typing import Any

import numpy as np
import pytest

from benchmarks.populations import wide
from benchmarks.simulation import (
    alarm_rate,
    alarm_rate_of_one_category,
    alarm_rates_of_fixed_references,
    firings,
    population,
    population_names,
    shifts,
)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", population_names())
@pytest.mark.parametrize("rows", [100, 200, 500, 1_000, 5_000])
def test_at_most_2_percent_of_windows_alarm_when_nothing_changed(name: str, rows: int) -> None:
    rate = alarm_rate(population(name), rows, windows=2_000, seed=11)
    print(f"{name}, n = {rows}: {rate:.2%} of 2 000 windows alarm")
    assert rate <= 0.02


@pytest.mark.parametrize("shift", shifts("moderate"), ids=lambda each: each["title"])
def test_at_least_85_percent_of_windows_of_300_rows_show_a_moderate_shift(shift: dict[str, Any]) -> None:
    rate = alarm_rate(population(shift["use_case"]), 300, windows=2_000, seed=12, shift=shift)
    print(f"{shift['title']}: {rate:.1%} of 2 000 windows alarm")
    assert rate >= 0.85


@pytest.mark.parametrize("columns", [30, 100])
@pytest.mark.parametrize("rows", [100, 300, 1_000])
def test_at_most_2_percent_of_windows_of_many_columns_alarm_when_nothing_changed(columns: int, rows: int) -> None:
    rate = alarm_rate(wide(columns), rows, windows=300, seed=13)
    print(f"{columns} columns, n = {rows}: {rate:.2%} of 300 windows alarm")
    assert rate <= 0.02


@pytest.mark.parametrize("columns", [30, 100])
@pytest.mark.parametrize("rows", [300, 1_000])
@pytest.mark.parametrize("shift", [{"becomes": "most frequent"}, {"lose": 0.10}], ids=["one value", "10 % missing"])
def test_one_category_of_many_columns_that_changes_alarms(columns: int, rows: int, shift: dict[str, Any]) -> None:
    rate = alarm_rate_of_one_category(wide(columns), rows, windows=300, seed=13, shift=shift)
    print(f"{columns} columns, n = {rows}, {shift}: {rate:.1%} of 300 windows alarm")
    assert rate >= 0.95


@pytest.mark.parametrize("rows", [300, 500, 1_000])
def test_the_unluckiest_of_80_references_alarms_in_at_most_5_percent_of_its_windows(rows: int) -> None:
    rates = alarm_rates_of_fixed_references(population("titanic"), rows, references=80, windows=200, seed=14)
    print(f"n = {rows}: mean {rates.mean():.2%}, worst of 80 references {rates.max():.1%} of 200 windows")
    assert rates.max() <= 0.05


@pytest.mark.parametrize(("rows", "most"), [(300, 3.5), (500, 2.5)])
def test_a_small_shift_that_lasts_is_told_and_not_told_all_the_time(rows: int, most: float) -> None:
    means = []
    for shift in shifts("small"):
        times = firings(population(shift["use_case"]), rows, windows=200, chains=20, seed=15, shift=shift)
        means.append(np.mean(times))
        print(f"{shift['title']}, n = {rows}: fires {means[-1]:.2f} times in 200 windows, at most {max(times)}")
    print(f"n = {rows}: fires {np.mean(means):.2f} times in 200 windows on average")
    assert np.mean(means) <= most


@pytest.mark.parametrize("rows", [300, 500])
def test_fewer_than_one_in_three_chains_of_500_windows_fires_when_nothing_changed(rows: int) -> None:
    times = firings(population("titanic"), rows, windows=500, chains=60, seed=16)
    print(f"n = {rows}: {np.mean(times):.2f} false firings in 500 windows, at most {max(times)}")
    assert np.mean(times) <= 0.3
