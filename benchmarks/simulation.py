"""False alarms and power: how often windows raise an alarm when nothing changed, and when something did."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.populations import HEAVY_TAILED, ROOT, Column, Population, heavy_tailed
from tabserve.core.catalog import YamlCatalog
from tabserve.core.features import CategoryFeature
from tabserve.core.limits import DriftLimits
from tabserve.monitoring.alert_rules import Streak, drift_state, load_alert_rules
from tabserve.monitoring.drift import compare
from tabserve.reference.profile import Profile

EXAMPLES = YamlCatalog(ROOT / "tests" / "use_cases")  # the figures belong to these, not to the user's own
SHIFTS = Path(__file__).with_name("shifts.yaml")
REFERENCE_ROWS = 891
ALARMING = {"alarm", "severe"}


def population_names() -> tuple[str, ...]:
    """Name the examples that have data, and a heavy-tailed set."""
    return (*(name for name in EXAMPLES.names() if EXAMPLES.get(name).training.data), HEAVY_TAILED)


@cache
def population(name: str) -> Population:
    """Return a population by its name."""
    return heavy_tailed() if name == HEAVY_TAILED else Population.of_data(EXAMPLES.get(name))


def shifts(kind: str) -> list[dict[str, Any]]:
    """Return the `moderate` shifts, to be found, or the `small` ones, to be told of without flapping."""
    loaded: dict[str, list[dict[str, Any]]] = yaml.safe_load(SHIFTS.read_text(encoding="utf-8"))
    return loaded[kind]


def alarm_rate(
    population: Population, rows: int, windows: int, seed: int, shift: Mapping[str, Any] | None = None
) -> float:
    """Return the share of windows with an alarm in any column, each against a fresh reference."""
    rng = np.random.default_rng((seed, rows))
    alarms = 0
    for _ in range(windows):
        reference = population.profile(population.draw(rng, REFERENCE_ROWS))
        alarms += bool(ALARMING & set(window_states(population, reference, rng, rows, shift).values()))
    return alarms / windows


def alarm_rates_of_fixed_references(
    population: Population, rows: int, references: int, windows: int, seed: int
) -> NDArray[np.float64]:
    """Return the share of windows with an alarm for each of some references, which stay as in production."""
    rng = np.random.default_rng((seed, rows))
    alarms = np.zeros(references)
    for place in range(references):
        reference = population.profile(population.draw(rng, REFERENCE_ROWS))
        for _ in range(windows):
            alarms[place] += bool(ALARMING & set(window_states(population, reference, rng, rows).values()))
    return alarms / windows


def firings(
    population: Population, rows: int, windows: int, chains: int, seed: int, shift: Mapping[str, Any] | None = None
) -> list[int]:
    """Return how often the drift alert begins to fire in each chain of windows, all of them against one reference."""
    rng = np.random.default_rng((seed, rows))
    rule = load_alert_rules().drift
    counted = []
    for _ in range(chains):
        reference = population.profile(population.draw(rng, REFERENCE_ROWS))
        streak, firing, times = Streak(), False, 0
        for _ in range(windows):
            states = window_states(population, reference, rng, rows, shift).values()
            state, streak = drift_state(rule, states, streak)
            times += state == "firing" and not firing
            firing = state == "firing" if state else firing
        counted.append(times)
    return counted


def alarm_rate_of_one_category(
    population: Population, rows: int, windows: int, seed: int, shift: Mapping[str, Any]
) -> float:
    """Return the share of windows in which a changed category alarms, another category in each window."""
    rng = np.random.default_rng((seed, rows))
    categories = [each.name for each in population.use_case.features if isinstance(each, CategoryFeature)]
    found = 0
    for number in range(windows):
        if number % 10 == 0:
            reference = population.profile(population.draw(rng, REFERENCE_ROWS))
        name = categories[number % len(categories)]
        found += window_states(population, reference, rng, rows, {"column": name, **shift})[name] in ALARMING
    return found / windows


def window_states(
    population: Population,
    reference: Profile,
    rng: np.random.Generator,
    rows: int,
    shift: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Draw a window and return the state of each column."""
    columns = shifted(population, rng, rows, shift) if shift else population.draw(rng, rows)
    found = compare(reference, population.window(reference, columns), DriftLimits())
    return {each.column: each.state for each in found}


def shifted(population: Population, rng: np.random.Generator, rows: int, shift: Mapping[str, Any]) -> dict[str, Column]:
    """Draw rows and change one of their columns."""
    name = shift["column"]
    columns = population.draw(rng, rows)
    if "add" in shift:
        columns[name] = np.array([v if v is None else v + shift["add"] for v in columns[name]], dtype=object)
    if shift.get("becomes") == "most frequent":
        columns[name] = np.full(rows, Counter(population.columns[name].tolist()).most_common(1)[0][0], dtype=object)
    if "lose" in shift:
        columns[name][rng.random(rows) < shift["lose"]] = None
    for category, share in shift.get("resample", {}).items():
        weights = np.where(population.columns[name] == category, share, 1 - share)
        for side in (True, False):
            members = (population.columns[name] == category) == side
            weights[members] /= members.sum()
        chosen = rng.choice(population.size, rows, p=weights)
        columns = {each: column[chosen] for each, column in population.columns.items()}
    return columns
