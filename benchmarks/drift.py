"""Windows that alarm when nothing changed, and when one column of many did: tabserve beside peers' defaults.

The peers are Evidently and NannyML, on the same rows. In the wide tables one category takes its most frequent value
everywhere, or loses a tenth of its values; with each reference it is another one. An alarm of any column counts, so
what a tool finds is worth no more than it cries wolf.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from benchmarks.measurement import Measurement, kept
from benchmarks.populations import ROOT, Population, wide
from benchmarks.simulation import REFERENCE_ROWS
from tabserve.core import service as common
from tabserve.core.features import CategoryFeature
from tabserve.core.limits import DriftLimits
from tabserve.core.settings import read_settings
from tabserve.monitoring.drift import compare
from tabserve.reference.profile import NumericProfile

PEERS = ("evidently", "nannyml")
WIDTHS = {"tabserve": 10, "evidently": 11, "nannyml": 9}
REFERENCES = 10
WIDE_ROWS = 300
Change = Literal["nothing changed", "one value", "10 % missing"]
CHANGES: tuple[Change, ...] = get_args(Change)
SCRIPT = Path(__file__).with_name("peers") / "rates.py"


def main() -> int:
    """Print the table and write it to .local/bench-drift.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--use-case", default="titanic")
    parser.add_argument("--rows", type=int, nargs="*", default=[100, 500, 1_000])
    parser.add_argument("--windows", type=int, default=200, help="windows of each size, a tenth of wide tables")
    parser.add_argument("--columns", type=int, nargs="*", default=[30, 100], help="columns of the wide tables")
    arguments = parser.parse_args()
    population = Population.of_data(common.catalog(read_settings()).get(arguments.use_case))
    entries = []
    print(f"{'windows that alarm':<44}{'tabserve':>10}{'evidently':>11}{'nannyml':>9}   ms a window")
    entries += [
        compared(f"nothing changed, n = {rows}", population, rows, arguments.windows) for rows in arguments.rows
    ]
    for columns in arguments.columns:
        for change in CHANGES:
            title = f"{columns} columns, {change}, n = {WIDE_ROWS}"
            windows = max(REFERENCES, arguments.windows // 10)  # Evidently takes seconds for each
            entries.append(compared(title, wide(columns), WIDE_ROWS, windows, change))
    return kept(entries, "bench-drift.json")


def compared(
    title: str, population: Population, rows: int, windows: int, change: Change = "nothing changed"
) -> dict[str, Any]:
    """Print a line of the table and return its entry: false alarms, or the share of changed windows that is missed."""
    rates, took = rates_of_all(population, rows, windows, change)
    times = " / ".join(f"{took[name]:.1f}" for name in rates)
    print(f"{title:<44}{''.join(f'{rates[name]:>{width}.1%}' for name, width in WIDTHS.items())}   {times}")
    what, limit = ("false drift alarms", 0.02) if change == "nothing changed" else ("missed drift", 0.05)
    wrong = rates if change == "nothing changed" else {name: 1 - rate for name, rate in rates.items()}
    measured = Measurement(f"{what}, {title}", wrong["tabserve"], "share of windows", limit)
    return measured.entry() | {"peers": {peer: wrong[peer] for peer in PEERS}}


def with_changed_rows(population: Population, change: Change, seed: int) -> Population:
    """Return a population of twice the rows, of which the second half are the same with one category changed."""
    if change == "nothing changed":
        return population
    categories = [each.name for each in population.use_case.features if isinstance(each, CategoryFeature)]
    name = categories[seed % len(categories)]
    columns = {each: np.concatenate((values, values)) for each, values in population.columns.items()}
    if change == "one value":
        columns[name][population.size :] = Counter(population.columns[name].tolist()).most_common(1)[0][0]
    if change == "10 % missing":
        columns[name][population.size + np.flatnonzero(np.arange(population.size) % 10 == 0)] = None
    return Population(population.use_case, columns, 2 * population.size)


def rates_of_all(
    population: Population, rows: int, windows: int, change: Change
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the share of windows with an alarm and the milliseconds a window took, by tool."""
    alarms, seconds = dict.fromkeys(("tabserve", *PEERS), 0), dict.fromkeys(("tabserve", *PEERS), 0.0)
    for seed in range(REFERENCES):
        rng = np.random.default_rng((seed, rows))
        table = with_changed_rows(population, change, seed)
        reference = rng.integers(population.size, size=REFERENCE_ROWS)
        first = 0 if change == "nothing changed" else population.size
        drawn = [first + rng.integers(population.size, size=rows) for _ in range(windows // REFERENCES)]
        for name in alarms:
            found = own(table, reference, drawn) if name == "tabserve" else of_peer(name, table, reference, drawn)
            alarms[name] += found["alarms"]
            seconds[name] += found["seconds"]
        print(f"\rn = {rows}: reference {seed + 1} of {REFERENCES}", end="", file=sys.stderr, flush=True)
    print("\r\033[K", end="", file=sys.stderr, flush=True)
    total = windows // REFERENCES * REFERENCES
    shares = {name: count / total for name, count in alarms.items()}
    return shares, {name: taken / total * 1e3 for name, taken in seconds.items()}


def own(population: Population, reference: Any, windows: list[Any]) -> dict[str, Any]:  # noqa: ANN401
    """Compare windows of row numbers by tabserve's method."""
    start = time.perf_counter()
    profile = population.profile({name: column[reference] for name, column in population.columns.items()})
    alarms = 0
    for rows in windows:
        window = population.window(profile, {name: column[rows] for name, column in population.columns.items()})
        alarms += any(each.state in ("alarm", "severe") for each in compare(profile, window, DriftLimits()))
    return {"alarms": alarms, "seconds": time.perf_counter() - start}


def of_peer(name: str, population: Population, reference: Any, windows: list[Any]) -> dict[str, Any]:  # noqa: ANN401
    """Compare the same windows in the peer's environment."""
    profile = population.profile(population.columns)
    columns = {
        column: {
            "kind": "numeric" if isinstance(profile.columns[column], NumericProfile) else "categorical",
            "values": [None if value != value else value for value in values.tolist()],
        }
        for column, values in population.columns.items()
    }
    data = {"columns": columns, "reference": reference.tolist(), "windows": [rows.tolist() for rows in windows]}
    python = ROOT / ".local" / "peers" / name / "bin" / "python"
    result = subprocess.run([python, SCRIPT, name], input=json.dumps(data), capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{name} failed: {result.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
