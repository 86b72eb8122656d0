"""Two small use cases with two versions of each one's model, and a later contract of the first."""

import hashlib
import random
import shutil
from pathlib import Path

from local_cloud.config import ROOT
from tabserve.core.catalog import load_use_case
from tabserve.core.use_case import UseCase
from tabserve.registry.store import Registry
from tabserve.registry.version import DEFINITION
from tabserve.training.build import train_dependencies
from tabserve.training.dataset import Dataset
from tabserve.training.service import split, train
from tabserve.training.version_files import definition
from tests.kill.raw_files import DOUBTFUL, HEADERS

DEFINITIONS = Path(__file__).parent / "use_cases"
FIRST_FIELD = "id_column: Id\n"
ROWS = 120
LATER = "e" * 8  # how versions of the later contract end


def use_cases(folder: Path = DEFINITIONS) -> list[UseCase]:
    """Return the definitions in a folder."""
    return [load_use_case(path) for path in sorted(folder.glob("*.yaml"))]


def later_definitions(folder: Path) -> Path:
    """Write the definitions of the later contract, which needs no other model."""
    shutil.copytree(DEFINITIONS, folder)
    passengers = folder / "passengers.yaml"
    missing = f"missing_values: [{', '.join(map(repr, ('', *DOUBTFUL)))}]\n"
    passengers.write_text(passengers.read_text().replace(FIRST_FIELD, FIRST_FIELD + missing))
    return folder


def train_all(registry: Registry, later_folder: Path) -> None:
    """Register a champion and a challenger of each use case: two versions that answer alike.

    One of passengers was trained on the later contract, and has no role yet.
    """
    later = {use_case.name: use_case for use_case in use_cases(later_folder)}
    for use_case in use_cases():
        rows = split(use_case, _labelled(use_case), None)
        first = train(use_case, rows, train_dependencies(registry, ROOT)).metadata
        second = first.model_copy(update={"version": f"{first.version[:-8]}{'f' * 8}"})
        registry.register(second, {name: registry.file(use_case.name, first.version, name) for name in first.files})
        registry.point(use_case.name, "challenger", second.version)
        changed = later[use_case.name]
        files = {name: registry.file(use_case.name, first.version, name) for name in first.files}
        files[DEFINITION] = definition(changed)
        registry.register(
            first.model_copy(
                update={
                    "version": f"{first.version[:-8]}{LATER}",
                    "contract_sha256": changed.contract_sha256,
                    "files": {name: hashlib.sha256(body).hexdigest() for name, body in files.items()},
                }
            ),
            files,
        )


def change_contract(registry: Registry) -> None:
    """Promote the versions that were trained on the later contract."""
    for use_case in use_cases():
        [version] = [each for each in registry.versions(use_case.name) if each.endswith(LATER)]
        registry.point(use_case.name, "champion", version)


def restore_contract(registry: Registry) -> None:
    """Promote versions of the first contract."""
    for use_case in use_cases():
        registry.point(use_case.name, "champion", registry.aliases(use_case.name)["challenger"])


def exchange(registry: Registry) -> None:
    """Make the challengers the champions, and the other way round."""
    for use_case in use_cases():
        aliases = registry.aliases(use_case.name)
        registry.point(use_case.name, "champion", aliases["challenger"])
        registry.point(use_case.name, "challenger", aliases["champion"])


def _labelled(use_case: UseCase) -> Dataset:
    """Make up rows whose class hangs on their numbers."""
    at_random, header = random.Random(1), HEADERS[use_case.name]
    classes = use_case.target.texts
    rows = []
    for number in range(ROWS):
        label = number % len(classes)
        values = [at_random.uniform(label, label + 1.5) for _ in header[1:]]
        cells = ("1", *map(str, values[1:])) if use_case.name == "passengers" else tuple(map(str, values))
        rows.append((str(number), *cells, classes[label]))
    return Dataset("made up", (*header, use_case.target.name), tuple(rows))
