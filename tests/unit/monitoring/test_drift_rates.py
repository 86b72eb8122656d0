"""What `make proof` shows at full size, on as many windows as a test may take."""

from typing import Any

import pytest
from scipy import stats

from benchmarks.simulation import alarm_rate, population, population_names, shifts

WINDOWS = 150


@pytest.mark.parametrize("name", population_names())
@pytest.mark.parametrize("rows", [100, 500])
def test_few_windows_alarm_when_nothing_changed(name: str, rows: int) -> None:
    alarms = alarm_rate(population(name), rows, WINDOWS, seed=1) * WINDOWS
    assert alarms <= stats.binom.ppf(0.999, WINDOWS, 0.02)


@pytest.mark.parametrize("shift", shifts("moderate"), ids=lambda each: each["title"])
def test_most_windows_of_300_rows_show_a_moderate_shift(shift: dict[str, Any]) -> None:
    alarms = alarm_rate(population(shift["use_case"]), 300, WINDOWS, seed=2, shift=shift) * WINDOWS
    assert alarms >= stats.binom.ppf(0.001, WINDOWS, 0.85)
