"""Training on 500 000 rows of 30 columns: how long it takes and how much memory, as the command does it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from benchmarks.measurement import Measurement

ROOT: Final = Path(__file__).resolve().parents[1]
ROWS: Final = 500_000
NUMBERS: Final = 24
CATEGORIES: Final = 6
LEVELS: Final = tuple("abcdefgh")
ROWS_AT_ONCE: Final = 50_000
MOST_SECONDS: Final = 30.0
MOST_MIB: Final = 1024.0

PEAK: Final = """
import resource, runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, "scripts")
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def run() -> Iterator[Measurement]:
    """Train in a process of its own, from a CSV file to a registered version."""
    with tempfile.TemporaryDirectory() as folder:
        data, definitions = Path(folder, "rows.csv"), Path(folder, "use_cases")
        definitions.mkdir()
        (definitions / "large.yaml").write_text(yaml.safe_dump(definition()))
        write(data)
        command = ["scripts/train.py", "--use-case", "large", "--data", str(data), "--registry", f"{folder}/registry"]
        environment = os.environ | {"USE_CASES_DIR": str(definitions)}
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *command], cwd=ROOT, env=environment, text=True, stderr=subprocess.PIPE
        )
        seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stderr)
    mib = int(done.stderr.split()[-1]) / 1024
    yield Measurement(f"train on {ROWS} rows of {NUMBERS + CATEGORIES} columns", seconds, "s", MOST_SECONDS)
    yield Measurement("its peak memory", mib, "MiB", MOST_MIB)


def definition() -> dict[str, Any]:
    """Return a use case of numbers, some missing, and categories."""
    numbers = [
        {"name": f"number {place}", "type": "number", "minimum": -100, "maximum": 100}
        | ({"required": False, "impute": "median"} if place % 4 == 0 else {})
        for place in range(NUMBERS)
    ]
    categories = [
        {"name": f"category {place}", "type": "category", "categories": list(LEVELS)} for place in range(CATEGORIES)
    ]
    return {
        "name": "large",
        "version": 1,
        "task": "binary_classification",
        "id_column": "id",
        "features": numbers + categories,
        "target": {"name": "outcome", "classes": ["no", "yes"], "positive_class": "yes"},
    }


def write(path: Path) -> None:
    """Write rows whose outcome hangs on half of the numbers and on the first category."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=NUMBERS) * (np.arange(NUMBERS) % 2)
    use_case = definition()
    header = ["id", *(feature["name"] for feature in use_case["features"]), "outcome"]
    with path.open("w", encoding="utf-8") as stream:
        stream.write(",".join(header) + "\n")
        for start in range(0, ROWS, ROWS_AT_ONCE):
            stream.writelines(_lines(rng, weights, start))


def _lines(rng: np.random.Generator, weights: Any, start: int) -> Iterator[str]:  # noqa: ANN401
    numbers = rng.normal(size=(ROWS_AT_ONCE, NUMBERS)).round(3)
    levels = rng.integers(0, len(LEVELS), size=(ROWS_AT_ONCE, CATEGORIES))
    odds = numbers @ weights + (levels[:, 0] - 3.5) / 2 + rng.logistic(size=ROWS_AT_ONCE)
    absent = rng.random(ROWS_AT_ONCE) < 0.05
    for row, values in enumerate(numbers.tolist()):
        cells = [*map(str, values), *(LEVELS[level] for level in levels[row])]
        if absent[row]:
            cells[4] = ""
        yield f"r{start + row},{','.join(cells)},{'yes' if odds[row] > 0 else 'no'}\n"


if __name__ == "__main__":
    for measurement in run():
        print(measurement)
