"""False alarms and power of the drift method, at full size: `make proof`."""

from typing import Any

import pytest

from benchmarks.simulation import alarm_rate, population, population_names, shifts

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", population_names())
@pytest.mark.parametrize("rows", [100, 200, 500, 1_000, 5_000])
def test_at_most_2_percent_of_windows_alarm_when_nothing_changed(name: str, rows: int) -> None:
    rate = alarm_rate(population(name), rows, windows=2_000, seed=11)
    print(f"{name}, n = {rows}: {rate:.2%} of 2 000 windows alarm")
    assert rate <= 0.02


@pytest.mark.parametrize("shift", shifts(), ids=lambda each: each["title"])
def test_at_least_85_percent_of_windows_of_300_rows_show_a_moderate_shift(shift: dict[str, Any]) -> None:
    rate = alarm_rate(population(shift["use_case"]), 300, windows=2_000, seed=12, shift=shift)
    print(f"{shift['title']}: {rate:.1%} of 2 000 windows alarm")
    assert rate >= 0.85
