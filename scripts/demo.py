"""Show the main job on a stack of its own: raw files in, predictions out, every row accounted for."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from sqlalchemy import text

import reconcile
import stack_env
from local_cloud import samples, supervisor
from local_cloud.clouds import CLOUDS
from local_cloud.config import LocalCloudError
from local_cloud.progress import Step, Steps
from local_cloud.stack import local_stack
from tabserve.core.database import Database

INGESTED = "SELECT count(*) FROM ingestions"
PENDING = """SELECT count(*) FROM ingestions
    WHERE status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL"""
BAD_ROWS = "SELECT key, row_number FROM bad_rows JOIN ingestions ON ingestions.file_id = bad_rows.file_id"
LOOK_EVERY_S = 1.0


def main() -> int:
    """Run the demo; exit 0 only if every row is accounted for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--use-case", required=True, metavar="NAME", help="the definition in use_cases/NAME.yaml")
    parser.add_argument(
        "--cloud", choices=list(CLOUDS), default="embedded", help="where to run it, as `make up` (embedded)"
    )
    parser.add_argument("--files", type=int, default=8, help="how many raw files (8)")
    parser.add_argument("--errors", type=float, default=0.1, help="share of rows with a defect (0.1)")
    parser.add_argument("--seed", type=int, default=7, help="of the split and the defects (7)")
    parser.add_argument(
        "--timeout", type=float, default=300, help="seconds to wait for ingestion and predictions (300)"
    )
    arguments = parser.parse_args()
    console = Console(highlight=False)
    supervisor.interrupt_on_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="tabserve-demo-") as folder:
            return _demo(arguments, Path(folder), console)
    except LocalCloudError as error:
        console.print(error, style="red", soft_wrap=True, markup=False)
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 1


def _demo(arguments: argparse.Namespace, folder: Path, console: Console) -> int:
    step = Steps(console)
    with step(f"Split the {arguments.use_case} data into {arguments.files} raw files, every kind of defect in them"):
        raw = samples.split(
            arguments.use_case,
            folder / "raw",
            files=arguments.files,
            errors=arguments.errors,
            seed=arguments.seed,
        )
    overrides = {"ScheduleExpression": "rate(1 minute)"}
    with local_stack(folder / "stack", cloud=arguments.cloud, step=step, overrides=overrides) as env:
        s3 = stack_env.client(env, "s3")
        with step(f"Upload {len(raw)} files"):
            for path in raw:
                s3.upload_file(str(path), env["RAW_BUCKET"], f"{arguments.use_case}/{path.name}")
        wait_until_done(env, len(raw), arguments.timeout, step)
        reconciled = reconcile.report(console, env["DATABASE_URL"], list(reconcile.raw_files(s3, env["RAW_BUCKET"])))
        return max(reconciled, compare_with_truth(console, env["DATABASE_URL"], folder / "raw" / "truth.json"))


def compare_with_truth(console: Console, database_url: str, truth: Path) -> int:
    """Print which injected defects were missed and which good rows refused; return 0 when there are none."""
    content = json.loads(truth.read_text())
    injected = {
        (f"{content['use_case']}/{file['name']}", row["row_number"]) for file in content["files"] for row in file["bad"]
    }
    database = Database(database_url)
    try:
        found = {tuple(row) for row in database.run(lambda connection: connection.execute(text(BAD_ROWS)).all())}
    finally:
        database.close()
    missed, refused = sorted(injected - found), sorted(found - injected)
    console.print(
        f"{len(injected)} defects injected, {len(injected & found)} found, {len(refused)} good rows refused",
        style="red" if missed or refused else "green",
    )
    for what, rows in (("missed", missed), ("refused", refused)):
        for key, row_number in rows:
            console.print(f"  {key}: row {row_number} {what}", style="red", markup=False)
    return 1 if missed or refused else 0


def wait_until_done(env: Mapping[str, str], files: int, timeout: float, step: Step) -> None:
    """Wait for the result of every file, then for its predictions; raise LocalCloudError when that takes too long."""
    database = Database(env["DATABASE_URL"])
    deadline = time.monotonic() + timeout
    try:
        with step("Wait until all are ingested"):
            _wait(lambda: _count(database, INGESTED) >= files, deadline, "ingested")
        with step("Wait until the schedule has predicted all good rows"):
            _wait(lambda: _count(database, PENDING) == 0, deadline, "predicted")
    finally:
        database.close()


def _wait(ready: Callable[[], bool], deadline: float, what: str) -> None:
    while not ready():
        if time.monotonic() > deadline:
            raise LocalCloudError(f"Not all files were {what} in time; see the functions' logs.")
        time.sleep(LOOK_EVERY_S)


def _count(database: Database, query: str) -> int:
    return int(database.run(lambda connection: connection.execute(text(query)).scalar_one()))


if __name__ == "__main__":
    sys.exit(main())
