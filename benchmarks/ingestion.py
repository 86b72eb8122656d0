"""Validating and splitting large files: rows a second, peak memory and missed rows beside Great Expectations.

Every process has one core, reads the same file and writes the good and the bad rows. The time is a warm function's: the
first thousand rows were validated once before. The memory is the whole process's.
"""

import csv
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.measurement import Measurement
from local_cloud.config import ROOT
from raw_files.cells import CELL_DEFECTS, SWAPPED, Cell
from tabserve.core import service as common
from tabserve.core.features import CategoryFeature, NumberFeature
from tabserve.core.limits import FileFormat
from tabserve.core.settings import read_settings
from tabserve.core.use_case import UseCase
from tabserve.ingestion.structure import write_record
from tabserve.training.datasets import read_dataset

RATE_LIMIT: Final = 350_000.0
MEMORY_LIMIT_MB: Final = 256.0
BAD_SHARE: Final = 0.05
SIZES: Final = (100_000, 1_000_000)
LARGEST: Final = 5_000_000
ROUNDS: Final = 3
# A null byte or a cell of a thousand characters would stop the peer.
LEFT_OUT: Final = frozenset({"null_byte", "too_long_cell"})
USUAL: Final = FileFormat()
DIALECTS: Final = {
    "semicolon and decimal comma": FileFormat(delimiter=";", decimal=","),
    "semicolon, decimal comma and latin-1": FileFormat(delimiter=";", decimal=",", encoding="latin-1"),
    "tab and gzip": FileFormat(delimiter="\t", compression="gzip"),
    "bar and utf-16": FileFormat(delimiter="|", encoding="utf-16"),
}
HERE: Final = Path(__file__).parent
PEER: Final = "Great Expectations"
PEER_PYTHON: Final = ROOT / ".local/peers/validators/bin/python"


def run() -> list[Measurement]:
    """Measure all sizes; the largest one only here, the peer would need gigabytes."""
    use_case = _use_case()
    found: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for rows in SIZES:
            found += _compared(use_case, rows, Path(folder))
        own = _own(use_case, *_file(use_case, LARGEST, Path(folder)))
        found.append(Measurement(f"ingest {LARGEST:,} rows, peak memory", own["peak_mb"], "MB", MEMORY_LIMIT_MB))
        found += _mistakes(LARGEST, own)
        found += _dialects(use_case, Path(folder))
    return found


def _use_case() -> UseCase:
    """Return the bundled use case of plain columns with the most of them, read from a file of its own."""
    catalog = common.catalog(read_settings())
    cases = [
        case for case in map(catalog.get, catalog.names()) if case.training.data.endswith(".csv") and not case.derived
    ]
    return max(cases, key=lambda case: len(case.known_columns))


def _dialects(use_case: UseCase, folder: Path) -> list[Measurement]:
    """Compare the rate in other dialects with that in the usual one, file by file of the same rows."""
    rows = SIZES[0]
    path, truth = _file(use_case, rows, folder)
    usual = min(_own(use_case, path, truth)["seconds"] for _ in range(ROUNDS))
    found = []
    for name, dialect in DIALECTS.items():
        other = folder / f"{rows}-{name}.csv"
        _write_in(dialect, path, other, use_case)
        runs = [_own(use_case, other, truth, dialect) for _ in range(ROUNDS)]
        rate = rows / min(run["seconds"] for run in runs)
        label = f"ingest {rows:,} rows, {name}"
        found.append(Measurement(f"{label}, rate", rate, "rows/s", 0.5, "usual dialect", rows / usual, "larger"))
        found.append(Measurement(f"{label}, mistakes", runs[0]["missed"] + runs[0]["falsely"], "rows", 0))
    return found


def _write_in(dialect: FileFormat, path: Path, other: Path, use_case: UseCase) -> None:
    numbers = {feature.name for feature in use_case.features if isinstance(feature, NumberFeature)}
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    turned = {place for place, name in enumerate(header) if name in numbers} if dialect.decimal == "," else set()
    lines = [write_record(header, dialect.delimiter)]
    for row in rows:
        cells = [cell.translate(SWAPPED) if place in turned else cell for place, cell in enumerate(row)]
        lines.append(write_record(cells, dialect.delimiter))
    content = "".join(f"{line}\n" for line in lines).encode(dialect.encoding, "replace")
    other.write_bytes(gzip.compress(content) if dialect.compression == "gzip" else content)


def _compared(use_case: UseCase, rows: int, folder: Path) -> list[Measurement]:
    path, truth = _file(use_case, rows, folder)
    results: dict[str, list[dict[str, Any]]] = {}
    for _ in range(ROUNDS):  # interleaved, so that a slow moment of the machine meets all of them
        results.setdefault("tabserve", []).append(_own(use_case, path, truth))
        results.setdefault(PEER, []).append(_peer(use_case, path, truth))
    best = {name: min(rounds, key=lambda result: result["seconds"]) for name, rounds in results.items()}
    for name, result in best.items():
        _print(rows, name, result)
    own, peer = best["tabserve"], best[PEER]
    rate, peer_rate = rows / own["seconds"], rows / peer["seconds"]
    label = f"ingest {rows:,} rows"
    return [
        Measurement(f"{label}, rate", rate, "rows/s", 1.0, PEER, peer_rate, "larger"),
        Measurement(f"{label}, rate on one core", rate, "rows/s", RATE_LIMIT, better="larger"),
        Measurement(f"{label}, peak memory", own["peak_mb"], "MB", MEMORY_LIMIT_MB),
        *_mistakes(rows, own),
    ]


def _mistakes(rows: int, own: dict[str, Any]) -> list[Measurement]:
    return [
        Measurement(f"ingest {rows:,} rows, bad rows missed", own["missed"], "rows", 0),
        Measurement(f"ingest {rows:,} rows, good rows refused", own["falsely"], "rows", 0),
    ]


def _print(rows: int, name: str, result: dict[str, Any]) -> None:
    rate = rows / result["seconds"] / 1000
    mistakes = f"{result['missed']} missed, {result['falsely']} falsely flagged"
    print(
        f"    {rows:>9,} rows  {name:<20}{rate:8.0f} k rows/s {result['peak_mb']:6.0f} MB  {mistakes}", file=sys.stderr
    )


def _own(use_case: UseCase, path: Path, truth: set[int], dialect: FileFormat = USUAL) -> dict[str, Any]:
    script = str(HERE / "validate_tabserve.py")
    return _process([_layer_python(), script, use_case.name, str(path), dialect.model_dump_json()], truth, "")


@cache
def _layer_python() -> str:
    """Return a Python with the wheels of the function's layers and no others: what is not there takes no memory."""
    environment, uv = ROOT / ".local/peers/ingest-layers", str(Path(sys.executable).with_name("uv"))
    requirements = [str(ROOT / f"layers/model/runtime/{layer}.txt") for layer in ("common", "ingest")]
    python = str(environment / "bin/python")
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(environment)], check=True)
    subprocess.run([uv, "pip", "sync", "-q", "--python", python, *requirements], check=True)
    return python


def _peer(use_case: UseCase, path: Path, truth: set[int]) -> dict[str, Any]:
    script = HERE / "peers/validate_great_expectations.py"
    return _process([str(PEER_PYTHON), str(script), str(path)], truth, json.dumps(_columns(use_case)))


def _process(command: list[str], truth: set[int], given: str) -> dict[str, Any]:
    core = min(os.sched_getaffinity(0))
    pinned = f"import os, sys; os.sched_setaffinity(0, [{core}]); os.execv(sys.argv[1], sys.argv[1:])"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/layers/model/src", "POLARS_MAX_THREADS": "1"}
    finished = subprocess.run(
        [sys.executable, "-c", pinned, *command],
        input=given,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    result: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    bad = set(result.pop("bad"))
    return result | {"missed": len(truth - bad), "falsely": len(bad - truth)}


def _columns(use_case: UseCase) -> dict[str, Any]:
    """Describe the columns for validators that do not know use cases."""
    columns: dict[str, Any] = {use_case.id_column: {"id": True}}
    for feature in use_case.features:
        if isinstance(feature, CategoryFeature) and not feature.is_open:
            columns[feature.name] = {"required": feature.required, "values": list(feature.texts)}
        elif isinstance(feature, NumberFeature):
            columns[feature.name] = {"required": feature.required, "range": [feature.minimum, feature.maximum]}
    return columns


def _file(use_case: UseCase, rows: int, folder: Path) -> tuple[Path, set[int]]:
    """Write rows of the training data under new ids, a share of them spoiled; return which."""
    path = folder / f"{rows}.csv"
    dataset = read_dataset(use_case, use_case.training.data, ROOT)
    rows_known = [*dataset.rows]
    places = {name: place for place, name in enumerate(dataset.header)}
    defects = [
        (defect, places[column], column, feature)
        for kind, defect in CELL_DEFECTS.items()
        if kind not in LEFT_OUT
        for column, feature in defect.columns(use_case)
        if feature is not None
    ]
    chance = random.Random(rows)  # noqa: S311  not for secrets
    truth = set()
    with path.open("w", encoding="utf-8") as stream:
        stream.write(write_record(dataset.header) + "\n")
        for number in range(1, rows + 1):
            cells = list(rows_known[number % len(rows_known)])
            cells[places[use_case.id_column]] = str(number)
            if chance.random() < BAD_SHARE:
                defect, place, column, feature = chance.choice(defects)
                cells[place] = defect.write(Cell(column, feature, cells[place]), chance)
                truth.add(number)
            stream.write(write_record(cells) + "\n")
    return path, truth
