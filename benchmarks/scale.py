"""A large and a wide raw file on a stack of its own, from the upload to the last prediction, beside a bare COPY.

`make bench ARGS=scale` takes 1 M rows of 5 columns and 100 000 rows of 200 columns. This module by itself takes others,
and small files that arrive beside the large one: PYTHONPATH=scripts:. .venv/bin/python -m benchmarks.scale --help
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.measurement import Measurement, table
from benchmarks.scale_stack import PATIENCE_S, Bench, peaks
from local_cloud.progress import Steps
from local_cloud.stack import local_stack

ROWS: Final = 1_000_000
COLUMNS: Final = 5
WIDE: Final = (200, 100_000)
SECONDS_LIMIT: Final = 25.0
COPY_LIMIT: Final = 4.0
SMALL_FILE_LIMIT_S: Final = 120.0
NEVER: Final = "rate(1 day)"  # the benchmark starts the runs


def run() -> list[Measurement]:
    """Measure the default sizes."""
    return list(measured(ROWS, COLUMNS, WIDE))


def measured(
    rows: int,
    columns: int,
    wide: tuple[int, int] | None,
    small_files: int = 0,
    before: Sequence[int] = (),
    judged_only: int = 0,
) -> Iterator[Measurement]:
    """Yield what a stack of its own takes for a long file, for a wide one and for small ones beside the long one.

    Files of as many rows as `before` says are scored first, one after the other: the first of all starts cold.
    """
    step = Steps(Console(stderr=True, highlight=False))
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        overrides = {"ScheduleExpression": NEVER, "MonitorScheduleExpression": NEVER}
        with local_stack(folder / "stack", step=step, overrides=overrides) as env, peaks() as peak:
            bench = Bench(env, folder)
            widths = {columns, *([wide[0]] if wide else [])}
            with step(f"Use cases of {' and '.join(map(str, sorted(widths)))} columns, with models"):
                bench.add_use_cases(widths)
            for number, count in enumerate(before, 1):
                with step(f"{count:,} rows x {columns} columns before it"):
                    scored = bench.score(columns, count, 0)
                seconds = scored.predicted_s
                yield Measurement(f"{number}. file, {count:,} rows, predictions", seconds, "s", PATIENCE_S)
                yield Measurement(f"{number}. file, {count:,} rows, a row", seconds / count * 1e6, "us", PATIENCE_S)
            with step(f"{rows:,} rows x {columns} columns, {small_files} small files beside it"):
                scored = bench.score(columns, rows, small_files)
            label = f"{rows:,} rows x {columns}"
            copied = bench.bare_copy(scored.file_id)
            yield Measurement(f"{label}, a row", scored.predicted_s / rows * 1e6, "us", PATIENCE_S)
            yield Measurement(f"{label}, raw file to verdict", scored.judged_s, "s", PATIENCE_S)
            limit = SECONDS_LIMIT * max(rows / ROWS, 0.1)
            yield Measurement(f"{label}, run's start to last prediction", scored.predicted_s, "s", limit)
            yield Measurement(f"{label}, predictions", scored.predicted_s, "s", COPY_LIMIT, "bare COPY", copied)
            if small_files:
                slowest = bench.slowest_small_file(small_files)
                yield Measurement(f"{small_files} small files beside it, slowest", slowest, "s", SMALL_FILE_LIMIT_S)
            if wide:
                with step(f"{wide[1]:,} rows x {wide[0]} columns"):
                    scored = bench.score(*wide, 0)
                yield Measurement(f"{wide[1]:,} rows x {wide[0]}, raw file to verdict", scored.judged_s, "s", 900)
                yield Measurement(f"{wide[1]:,} rows x {wide[0]}, predictions", scored.predicted_s, "s", 900)
            if judged_only:
                with step(f"{judged_only:,} rows x {columns} columns, judged only"):
                    megabytes, seconds = bench.judge(columns, judged_only)
                label = f"{judged_only:,} rows x {columns}, {megabytes:,.0f} MiB"
                yield Measurement(f"{label}, raw file to verdict", seconds, "s", PATIENCE_S)
        for function, megabytes in sorted(peak.items()):
            yield Measurement(f"{function}, peak memory of a process", megabytes, "MB", bench.memory(function))


def _wide(text: str) -> tuple[int, int]:
    columns, rows = text.split("x")
    return int(columns), int(rows)


def main() -> int:
    """Measure sizes that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of the long file ({ROWS:,})")
    parser.add_argument("--columns", type=int, default=COLUMNS, help=f"of the long file ({COLUMNS})")
    parser.add_argument("--wide", metavar="COLUMNSxROWS", help="a wide file after it, such as 200x100000")
    parser.add_argument("--small-files", type=int, default=0, metavar="N", help="files that arrive beside it (0)")
    parser.add_argument("--judged-only", type=int, default=0, metavar="ROWS", help="a file after it, not predicted (0)")
    parser.add_argument("--before", type=int, nargs="*", default=[], metavar="ROWS", help="files scored before it")
    arguments = parser.parse_args()
    wide = _wide(arguments.wide) if arguments.wide else None
    sizes = (arguments.rows, arguments.columns, wide, arguments.small_files, arguments.before, arguments.judged_only)
    entries = [each.entry() for each in measured(*sizes)]
    print(table(entries))
    print(json.dumps(entries), file=sys.stderr)
    return 0 if all(entry["ok"] for entry in entries) else 1


if __name__ == "__main__":
    sys.exit(main())
