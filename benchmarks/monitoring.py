"""Judging windows: seven columns of 5 000 rows, and a whole monitoring run over a million new predictions."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import text

from benchmarks.fixtures import postgres
from benchmarks.measurement import Measurement, timed
from benchmarks.populations import ROOT, Population
from tabserve.core import database
from tabserve.core.limits import DriftLimits
from tabserve.core.records import Value
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.monitoring.drift import compare
from tabserve.reference.calibration import Calibration
from tabserve.reference.profile import PREDICTION, PROBABILITY, is_missing
from tabserve.reference.reference import Reference

ROWS, MILLION, A_CALL = 5_000, 1_000_000, 100_000
SEED = """
INSERT INTO predictions (id, request_id, use_case, model_version, source, created_at, features, prediction, probability,
                         probabilities)
SELECT gen_random_uuid(), 'r', :use_case, :model_version, 'api',
       now() - interval '1 day' + (:first + place) * interval '80 ms',
       row -> 'features', row ->> 'prediction', CAST(row ->> 'probability' AS double precision), '{}'
FROM json_array_elements(CAST(:rows AS json)) WITH ORDINALITY AS each (row, place)
"""
RUN = """
import json, re, sys, time
from datetime import UTC, datetime
from tabserve.core.database import Database
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.monitoring.alert_rules import load_alert_rules
from tabserve.monitoring.service import MonitorDependencies, run
from tabserve.monitoring.store import MonitoringTables
from tabserve.reference.reference import Reference

class References:
    def get(self, use_case, version):
        return Reference.from_dict(json.load(open(sys.argv[2])))

store = MonitoringTables(Database(sys.argv[1]))
start = time.perf_counter()
rules, clock = load_alert_rules(), lambda: datetime.now(UTC)
report = run(MonitorDependencies(catalog(read_settings()), References(), store, rules, clock))
seconds = time.perf_counter() - start
megabytes = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"windows": report.windows, "rows": report.predictions, "seconds": seconds, "megabytes": megabytes}))
"""


def run() -> list[Measurement]:
    """Measure with the first use case that has categories."""
    known = catalog(read_settings())
    use_cases = map(known.get, known.names())
    chosen = next(each for each in use_cases if any(feature.type == "category" for feature in each.features))
    population = Population.of_data(chosen)
    found = million(population)
    return [
        Measurement(f"drift of 7 columns, {ROWS} rows", window_ms(population), "ms", 50.0),
        Measurement("monitoring run, 1 M new predictions", found["seconds"], "s", 10.0),
        Measurement("monitoring run, 1 M new predictions, memory", found["megabytes"], "MB", 512.0),
    ]


def window_ms(population: Population) -> float:
    """Return how long profiling and judging a window takes, the fastest of ten."""
    rng = np.random.default_rng(1)
    reference = population.profile(population.columns)
    columns = {name: column.tolist() for name, column in population.draw(rng, ROWS).items()}
    return min(timed(lambda: compare(reference, reference.window(columns, ROWS), DriftLimits())) for _ in range(10))


def million(population: Population) -> dict[str, Any]:
    """Return what a run in a process of its own finds, and what it takes."""
    with postgres() as url, tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as reference:
        seed(url, population)
        json.dump(Reference(population.profile(population.columns), Calibration()).to_dict(), reference)
        reference.flush()
        command = [sys.executable, "-c", RUN, url, reference.name]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        found: dict[str, Any] = json.loads(output)
    if found["rows"] != MILLION:
        raise RuntimeError(f"the run compared {found['rows']} predictions, not {MILLION}")
    return found


def seed(url: str, population: Population, model_version: str = "v1") -> None:
    """Store a million predictions of rows like the reference, one every 80 ms."""
    rng = np.random.default_rng(2)
    engine = database.create(url, timeout_ms=600_000)
    names = population.use_case.feature_names
    with engine.begin() as connection:
        for first in range(0, MILLION, A_CALL):
            columns = {name: column.tolist() for name, column in population.draw(rng, A_CALL).items()}
            rows = [_row(names, columns, place) for place in range(A_CALL)]
            values = {"use_case": population.use_case.name, "model_version": model_version, "first": first}
            connection.execute(text(SEED), {**values, "rows": json.dumps(rows)})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE predictions"))
    engine.dispose()


def _row(names: Sequence[str], columns: dict[str, list[Value]], place: int) -> dict[str, object]:
    values = {name: columns[name][place] for name in names}
    features = {name: None if is_missing(value) else value for name, value in values.items()}
    answer = {"prediction": columns[PREDICTION][place], "probability": columns[PROBABILITY][place]}
    return {"features": features, **answer}
