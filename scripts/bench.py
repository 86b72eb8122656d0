"""Run the benchmarks, print their table and write it to .local/bench.json; exit 1 when a limit is missed."""

import argparse
import importlib
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from benchmarks.measurement import kept, table

BENCHMARKS = ("serving", "storage", "features", "http", "ingestion", "monitoring", "page", "training", "scale")


def main() -> int:
    """Run what was asked for, all of it by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", nargs="*", help=f"any of {', '.join(BENCHMARKS)}", metavar="NAME")
    names = parser.parse_args().benchmarks or BENCHMARKS
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"unknown benchmark {min(unknown)!r}; known: {', '.join(BENCHMARKS)}")
    entries = [entry for name in names for entry in _run(name)]
    print(table(entries))
    return kept(entries, "bench.json")


def _run(name: str) -> list[dict[str, Any]]:
    """Run a benchmark in a process of its own: the peak memory of processes it starts begins at its own."""
    print(f"--- {name}", file=sys.stderr, flush=True)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_entries, name).result()


def _entries(name: str) -> list[dict[str, Any]]:
    return [measurement.entry() for measurement in importlib.import_module(f"benchmarks.{name}").run()]


if __name__ == "__main__":
    sys.exit(main())
