"""Judging one large file on one core: processor seconds, peak memory and the sizes of what is written.

PYTHONPATH=scripts:. .venv/bin/python -m benchmarks.large_files 5x1000000 200x100000 5x1000000x0.4

Each argument is columns x rows, and perhaps the share of bad rows instead of a fiftieth. Processor time is told, so
that other work on the machine matters little; the memory is the whole process's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from benchmarks.scale_data import ID, definition, frames, write_raw_file
from local_cloud.config import ROOT

JUDGE = """
import io, json, os, resource, sys, time
from itertools import islice
from pathlib import Path
os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
from tabserve.core.catalog import YamlCatalog
from tabserve.core.errors import FileRejectedError
from tabserve.ingestion.validator import validate_rows
folder, name = Path(sys.argv[1]), sys.argv[2]
use_case, found = YamlCatalog(folder).get(name), {}
with (folder / "raw").open("rb") as raw:  # a warm function
    first = io.BytesIO(b"".join(islice(raw, 900)))
validate_rows(first, use_case, io.BytesIO(), io.BytesIO())
start = time.process_time()
with (folder / "raw").open("rb") as raw, (folder / "good").open("wb") as good, (folder / "bad").open("wb") as bad:
    try:
        found["bad rows"] = validate_rows(raw, use_case, good, bad).rows_bad
    except FileRejectedError as error:
        found["rejected"] = error.message
found["seconds"] = round(time.process_time() - start, 1)
found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps(found))
"""


def main() -> None:
    """Judge each of the files; print a line of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="COLUMNSxROWS[xSHARE]")
    for each in parser.parse_args().files:
        columns, rows, *share = each.split("x")
        with tempfile.TemporaryDirectory(prefix="large-") as folder:
            print(each, judged(Path(folder), int(columns), int(rows), float(share[0]) if share else None), flush=True)


def judged(folder: Path, columns: int, rows: int, share: float | None) -> dict[str, object]:
    """Write a file and judge it in a process of its own on one core."""
    (folder / "large.yaml").write_text(definition("large", columns, folder / "training.csv"))
    raw = folder / "raw"
    if share is None:
        write_raw_file(raw, columns, rows)
    else:
        with raw.open("wb") as stream:
            for frame in frames(columns, rows):
                wrong = (pl.col(ID) * 7919 % 1_000) < share * 1_000
                spoiled = pl.when(wrong).then(pl.lit(5_000) + pl.col(ID)).otherwise(pl.col("f0003")).alias("f0003")
                frame.with_columns(spoiled).write_csv(stream, include_header=stream.tell() == 0)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/layers/model/src", "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, "-c", JUDGE, str(folder), "large"]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, object] = json.loads(done.stdout)
    sizes = {f"{name} MB": (folder / name).stat().st_size // 10**6 for name in ("raw", "good", "bad")}
    return {**found, "µs a row": round(float(str(found["seconds"])) / rows * 1e6, 2), **sizes}


if __name__ == "__main__":
    main()
