"""A single record with a shadow beside the champion, and without one; both are looked up in a bucket."""

import shutil
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2

import training
from benchmarks.bucket import readable_bucket
from benchmarks.fixtures import binary_use_case, champion_file, postgres
from benchmarks.lambda_function import FunctionProcess, gateway_event, predict_function
from benchmarks.measurement import Measurement
from tabserve.registry.standing import Trial
from tabserve.registry.version import METADATA
from tabserve.serving.served_models import LOADING_SECONDS

ROUNDS, CALLS = 11, 200
LIMIT = 1.3
SHADOW = "20990101T000000Z-00000000"


def measurements() -> Iterator[Measurement]:
    """Measure in turns on a database that commits durably."""
    with TemporaryDirectory() as name, postgres() as url:
        shadowed, alone = _registered(Path(name), "shadowed", SHADOW), _registered(Path(name), "alone")
        with readable_bucket(shadowed) as (first, _), readable_bucket(alone) as (second, _):
            function = predict_function(url)
            stacks = [replace(function, environment={**function.environment, **bucket}) for bucket in (first, second)]
            processes = [FunctionProcess(stack, gateway_event(binary_use_case().example)) for stack in stacks]
            try:
                time.sleep(2 * LOADING_SECONDS)  # the shadow is loaded
                for process in processes:
                    process.calls(CALLS)
                before = _shadowed(url)
                rounds = [[process.calls(CALLS) for process in processes] for _ in range(ROUNDS)]
                if _shadowed(url) - before < ROUNDS * CALLS:
                    raise RuntimeError("the shadow did not score every record")
            finally:
                for process in processes:
                    process.stop()
    mine, theirs = (statistics.median(values) for values in zip(*rounds, strict=True))
    yield Measurement("handler, one record with a shadow stored, p50", mine, "ms", LIMIT, "without a shadow", theirs)


def _registered(place: Path, name: str, shadow: str | None = None) -> Path:
    """Return a folder with the champion, and the same again under another name as its shadow."""
    use_case, folder = binary_use_case(), place / name
    champion = champion_file(use_case, METADATA).parent
    target = folder / "models" / use_case.name
    for version in filter(None, (champion.name, shadow)):
        shutil.copytree(champion, target / version)
        metadata = target / version / METADATA
        metadata.write_text(metadata.read_text().replace(champion.name, version))
    registry = training.folder_registry(folder)
    registry.point(use_case.name, "champion", champion.name)
    if shadow:
        trial = Trial(kind="shadow", version=shadow)
        registry.change(use_case.name, lambda now: now.moved("shadow", champion.name, trial=trial))
    return folder


def _shadowed(url: str) -> int:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM challenger_predictions")
        found = cursor.fetchone()
    connection.close()
    return int(found[0]) if found else 0
