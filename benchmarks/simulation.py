"""False alarms and power: how often windows raise an alarm when nothing changed, and when something did."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.populations import HEAVY_TAILED, ROOT, Column, Population, heavy_tailed
from tabserve.core.catalog import YamlCatalog
from tabserve.core.use_case import DriftLimits
from tabserve.monitoring.drift import compare

EXAMPLES = YamlCatalog(ROOT / "tests" / "use_cases")  # the figures belong to these, not to the user's own
SHIFTS = Path(__file__).with_name("shifts.yaml")
REFERENCE_ROWS = 891


def population_names() -> tuple[str, ...]:
    """Name the examples that have data, and a heavy-tailed set."""
    return (*(name for name in EXAMPLES.names() if EXAMPLES.get(name).training.data), HEAVY_TAILED)


@cache
def population(name: str) -> Population:
    """Return a population by its name."""
    return heavy_tailed() if name == HEAVY_TAILED else Population.of_data(EXAMPLES.get(name))


def shifts() -> list[dict[str, Any]]:
    """Return the moderate shifts to be found."""
    loaded: list[dict[str, Any]] = yaml.safe_load(SHIFTS.read_text(encoding="utf-8"))
    return loaded


def alarm_rate(
    population: Population, rows: int, windows: int, seed: int, shift: Mapping[str, Any] | None = None
) -> float:
    """Return the share of windows with an alarm in any column, each against a fresh reference."""
    rng = np.random.default_rng((seed, rows))
    alarms = 0
    for _ in range(windows):
        reference = population.profile(population.draw(rng, REFERENCE_ROWS))
        columns = shifted(population, rng, rows, shift) if shift else population.draw(rng, rows)
        found = compare(reference, population.window(reference, columns), DriftLimits())
        alarms += any(each.state in ("alarm", "severe") for each in found)
    return alarms / windows


def shifted(population: Population, rng: np.random.Generator, rows: int, shift: Mapping[str, Any]) -> dict[str, Column]:
    """Draw rows and change one of their columns."""
    name = shift["column"]
    columns = population.draw(rng, rows)
    if "add" in shift:
        columns[name] = np.array([v if v is None else v + shift["add"] for v in columns[name]], dtype=object)
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
