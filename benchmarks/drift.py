"""False alarms per window when nothing changed: tabserve beside Evidently's and NannyML's defaults on the same rows."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measurement import Measurement, kept
from benchmarks.populations import ROOT, Population
from tabserve.core import service as common
from tabserve.core.settings import read_settings
from tabserve.core.use_case import DriftLimits
from tabserve.monitoring.drift import compare
from tabserve.reference.profile import NumericProfile

PEERS = ("evidently", "nannyml")
WIDTHS = {"tabserve": 10, "evidently": 11, "nannyml": 9}
REFERENCES = 10
SCRIPT = Path(__file__).with_name("peers") / "rates.py"


def main() -> int:
    """Print the table and write it to .local/bench-drift.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--use-case", default="titanic")
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 500, 1_000])
    parser.add_argument("--windows", type=int, default=200, help="windows of each size")
    arguments = parser.parse_args()
    population = Population.of_data(common.catalog(read_settings()).get(arguments.use_case))
    entries = []
    print(f"{'false alarms a window':<24}{'tabserve':>10}{'evidently':>11}{'nannyml':>9}   ms a window")
    for rows in arguments.rows:
        rates, took = rates_of_all(population, rows, arguments.windows)
        times = " / ".join(f"{took[name]:.1f}" for name in rates)
        shares = "".join(f"{rates[name]:>{width}.1%}" for name, width in WIDTHS.items())
        print(f"n = {rows:<20}{shares}   {times}")
        measured = Measurement(f"false drift alarms, n = {rows}", rates["tabserve"], "share of windows", 0.02)
        entries.append(measured.entry() | {"peers": {peer: rates[peer] for peer in PEERS}})
    return kept(entries, "bench-drift.json")


def rates_of_all(population: Population, rows: int, windows: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the share of windows with an alarm and the milliseconds a window took, by tool."""
    alarms, seconds = dict.fromkeys(("tabserve", *PEERS), 0), dict.fromkeys(("tabserve", *PEERS), 0.0)
    for seed in range(REFERENCES):
        rng = np.random.default_rng((seed, rows))
        reference, *drawn = (
            rng.integers(population.size, size=size) for size in (population.size, *([rows] * (windows // REFERENCES)))
        )
        for name in alarms:
            compared = (population, reference, drawn)
            found = own(*compared) if name == "tabserve" else of_peer(name, *compared)
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
